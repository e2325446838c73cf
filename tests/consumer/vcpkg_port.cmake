# Runs the vcpkg port with functions of vcpkg's names that do the same for one build type, and checks what is installed:
# cmake -DROOT= -DWORK= -DCXX= -DFEATURES= -P vcpkg_port.cmake. The compiled library is configured only.

cmake_minimum_required(VERSION 3.20)

set(PORT inngest)
set(port_folder "${ROOT}/packaging/vcpkg/inngest")
set(CURRENT_PACKAGES_DIR "${WORK}/packages")
file(REMOVE_RECURSE "${WORK}")

function(vcpkg_check_linkage)
endfunction()

function(vcpkg_check_features)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "OUT_FEATURE_OPTIONS" "FEATURES")
  set(options)
  while(arg_FEATURES)
    list(POP_FRONT arg_FEATURES feature option)
    if(feature IN_LIST FEATURES)
      list(APPEND options "-D${option}=ON")
    else()
      list(APPEND options "-D${option}=OFF")
    endif()
  endwhile()
  set(${arg_OUT_FEATURE_OPTIONS} "${options}" PARENT_SCOPE)
endfunction()

function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_QUIET)
  if(result)
    message(FATAL_ERROR "failed: ${ARGN}")
  endif()
endfunction()

function(vcpkg_cmake_configure)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "SOURCE_PATH" "OPTIONS")
  run("${CMAKE_COMMAND}" -S "${arg_SOURCE_PATH}" -B "${WORK}/build" -G Ninja "-DCMAKE_CXX_COMPILER=${CXX}"
      "-DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR}" -DCMAKE_INSTALL_LIBDIR=lib ${arg_OPTIONS})
endfunction()

function(vcpkg_cmake_install)
  if("compiled" IN_LIST FEATURES)
    file(READ "${WORK}/build/cmake_install.cmake" rules)
    if(NOT rules MATCHES "libinngest\\.a" OR NOT rules MATCHES "lib/cmake/inngest")
      message(FATAL_ERROR "the compiled library would not be installed")
    endif()
  else()
    run("${CMAKE_COMMAND}" --install "${WORK}/build")
  endif()
endfunction()

function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "CONFIG_PATH" "")
  if(NOT "compiled" IN_LIST FEATURES AND NOT EXISTS "${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/inngestConfig.cmake")
    message(FATAL_ERROR "there is no inngestConfig.cmake in ${arg_CONFIG_PATH}")
  endif()
endfunction()

function(vcpkg_fixup_pkgconfig)
endfunction()

function(vcpkg_install_copyright)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "" "FILE_LIST")
  if(NOT EXISTS "${arg_FILE_LIST}")
    message(FATAL_ERROR "there is no ${arg_FILE_LIST}")
  endif()
endfunction()

include("${port_folder}/portfile.cmake")

if(NOT EXISTS "${CURRENT_PACKAGES_DIR}/share/inngest/usage")
  message(FATAL_ERROR "there is no usage")
endif()
if(NOT "compiled" IN_LIST FEATURES AND NOT EXISTS "${CURRENT_PACKAGES_DIR}/include/inngest/inngest.hpp")
  message(FATAL_ERROR "there are no headers")
endif()
