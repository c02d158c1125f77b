# SPDX-License-Identifier: LGPL-2.1-or-later
# cmake -DOUTPUT=FILE.c -P embed-policies.cmake -- NAME.policy…: the shipped policies become one C source.
set(arrays "")
set(rows "")
set(count 0)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(index RANGE 1 ${last})
	set(file "${CMAKE_ARGV${index}}")
	if(NOT file MATCHES "/([a-z]+)\\.policy$")
		continue()
	endif()
	set(name "${CMAKE_MATCH_1}")
	file(READ "${file}" hex HEX)
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
	string(APPEND arrays "static const char text_${name}[] = { ${bytes} 0 };\n")
	string(APPEND rows "\t{ \"${name}\", text_${name} },\n")
	math(EXPR count "${count} + 1")
endforeach()
file(WRITE "${OUTPUT}" "#include \"core/config/shipped.h\"\n\n${arrays}
const RescueShippedPolicy rescue_shipped_policies[] = {\n${rows}};
const size_t rescue_shipped_policies_count = ${count};\n")
