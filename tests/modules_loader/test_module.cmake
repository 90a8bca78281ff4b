# A module that only tests load: like rondel_module, but in a folder of its own and never installed.
#
#   rondel_test_module(good FOLDER "${folder}" SOURCES fixture.cc DEFINES "FIXTURE_NAME=\"good\"")   -> ${folder}/good.so
include_guard(GLOBAL)

function(rondel_test_module name)
  cmake_parse_arguments(arg "" "FOLDER" "SOURCES;DEFINES;LINKS" ${ARGN})
  string(MAKE_C_IDENTIFIER "test_module_${name}" target)
  add_library(${target} MODULE ${arg_SOURCES})
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE rondel_flags rondel_header_hash ${arg_LINKS})
  target_compile_definitions(${target} PRIVATE ${arg_DEFINES})
  set_target_properties(${target} PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY "${arg_FOLDER}"
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
