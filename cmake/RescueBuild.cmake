# SPDX-License-Identifier: LGPL-2.1-or-later
# Flags that every target shares, and the three words the folders' CMakeLists are written in:
# rescue_library(), rescue_program() and rescue_test().

option(RESCUE_WERROR "warnings are errors" OFF)
option(RESCUE_COVERAGE "count lines with gcov" OFF)
option(RESCUE_HARDEN "hardening flags of a release" OFF)
set(RESCUE_SANITIZE "" CACHE STRING "value for -fsanitize=")

add_library(rescue_flags INTERFACE)
target_compile_features(rescue_flags INTERFACE c_std_11)
target_include_directories(rescue_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_definitions(rescue_flags INTERFACE
	_GNU_SOURCE
	GLIB_VERSION_MIN_REQUIRED=GLIB_VERSION_2_74
	GLIB_VERSION_MAX_ALLOWED=GLIB_VERSION_2_74
	RESCUE_VERSION="${PROJECT_VERSION}")
target_compile_options(rescue_flags INTERFACE
	-std=gnu11 -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
	-Wformat=2 -Wwrite-strings -Wvla -Wundef -Wpointer-arith -Wcast-align -Wno-unused-parameter
	-fno-common)
if(RESCUE_WERROR)
	target_compile_options(rescue_flags INTERFACE -Werror)
endif()
if(RESCUE_SANITIZE)
	target_compile_options(rescue_flags INTERFACE
		-fsanitize=${RESCUE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
	target_link_options(rescue_flags INTERFACE -fsanitize=${RESCUE_SANITIZE})
endif()
if(RESCUE_COVERAGE)
	target_compile_options(rescue_flags INTERFACE --coverage)
	target_link_options(rescue_flags INTERFACE --coverage)
endif()
if(RESCUE_HARDEN)
	target_compile_definitions(rescue_flags INTERFACE _FORTIFY_SOURCE=2)
	target_compile_options(rescue_flags INTERFACE
		-fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE)
	target_link_options(rescue_flags INTERFACE -pie -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

# rescue_library(NAME SOURCES a.c b.c USES other_library PkgConfig::foo)
function(rescue_library name)
	cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
	add_library(${name} STATIC ${ARG_SOURCES})
	target_link_libraries(${name} PUBLIC rescue_flags PkgConfig::GLIB ${ARG_USES})
endfunction()

# rescue_program(NAME SOURCES a.c USES library)
function(rescue_program name)
	cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
	add_executable(${name} ${ARG_SOURCES})
	target_link_libraries(${name} PRIVATE rescue_flags PkgConfig::GLIB ${ARG_USES})
	set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# rescue_test(NAME SOURCES test-a.c USES library LABELS unit): one GTest program under ctest; exit 77 is a skip.
function(rescue_test name)
	cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;USES;LABELS" ${ARGN})
	if(NOT ARG_TIMEOUT)
		set(ARG_TIMEOUT 60)
	endif()
	add_executable(test-${name} ${ARG_SOURCES})
	target_link_libraries(test-${name} PRIVATE rescue_flags PkgConfig::GLIB ${ARG_USES})
	add_test(NAME ${name} COMMAND test-${name} --tap)
	set_tests_properties(${name} PROPERTIES
		SKIP_RETURN_CODE 77 TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
		ENVIRONMENT "G_TEST_SRCDIR=${CMAKE_CURRENT_SOURCE_DIR};RESCUE_SHARED_DIR=${RESCUE_SHARED_DIR};RESCUE_SOURCE_DIR=${PROJECT_SOURCE_DIR};RESCUE_BINARY_DIR=${PROJECT_BINARY_DIR}")
endfunction()
