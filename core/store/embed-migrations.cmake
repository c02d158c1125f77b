# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DOUTPUT=FILE.c -P embed-migrations.cmake -- FILE.sql…: numbered SQL files become one C source.
set(arrays "")
set(names "")
set(count 0)
foreach(index RANGE 1 ${CMAKE_ARGC})
	set(file "${CMAKE_ARGV${index}}")
	if(NOT file MATCHES "/([0-9][0-9][0-9])-[^/]*\\.sql$")
		continue()
	endif()
	set(number "${CMAKE_MATCH_1}")
	math(EXPR count "${count} + 1")
	math(EXPR found "${number}")
	if(NOT found EQUAL count)
		message(FATAL_ERROR "migration ${count} is missing: the next one found is ${file}")
	endif()
	file(READ "${file}" hex HEX)
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
	string(APPEND arrays "static const char migration_${count}[] = { ${bytes} 0 };\n")
	string(APPEND names "\tmigration_${count},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"core/store/migration.h\"\n\n${arrays}
const char *const rescue_migrations[] = {\n${names}};
const size_t rescue_migrations_count = ${count};\n")
