# A recipe for Conan 2: `conan create . --build=missing`. See docs/installing.md.

import os
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy, load

# Defines inngest_find_adapter() for the HTTP frameworks and databases.
ADAPTERS = os.path.join("cmake", "inngestAdapters.cmake")


class Inngest(ConanFile):
    name = "inngest"
    license = "MIT"
    description = "Durable functions for C++20: an SDK for Inngest"
    topics = ("durable-execution", "workflow", "background-jobs", "header-only")
    settings = "os", "compiler", "build_type", "arch"
    options = {"compiled": [True, False], "httplib": [True, False]}
    default_options = {"compiled": False, "httplib": True, "cpp-httplib/*:with_openssl": True}
    exports_sources = "CMakeLists.txt", "LICENSE", "cmake/*", "include/*", "single_include/*", "src/*"

    def set_version(self):
        header = load(self, os.path.join(self.recipe_folder, "include", "inngest", "version.hpp"))
        self.version = re.search(r'INNGEST_VERSION "([^"]+)"', header).group(1)

    def requirements(self):
        for package in ["nlohmann_json/[>=3.10 <4]", "simdjson/[>=1 <5]", "openssl/[>=1.1.1 <4]"]:
            self.requires(package, transitive_headers=True, transitive_libs=True)
        if self.options.httplib:
            self.requires("cpp-httplib/[>=0.10 <1]", transitive_headers=True, transitive_libs=True)
        if self.options.compiled:
            self.requires("sqlite3/[>=3.35 <4]", transitive_headers=True, transitive_libs=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def package_id(self):
        if not self.info.options.compiled:
            self.info.settings.clear()

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables["INNGEST_BUILD_TESTS"] = False
        toolchain.cache_variables["INNGEST_BUILD_EXAMPLES"] = False
        toolchain.cache_variables["INNGEST_INSTALL"] = True
        toolchain.cache_variables["INNGEST_INSTALL_COMPILED"] = bool(self.options.compiled)
        toolchain.cache_variables["INNGEST_WITH_HTTPLIB"] = bool(self.options.httplib)
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        CMake(self).install()
        copy(self, "LICENSE", self.source_folder, os.path.join(self.package_folder, "licenses"))
        # CMakeDeps replaces inngestConfig.cmake, which includes this file: see package_info().
        copy(self, ADAPTERS, self.source_folder, self.package_folder)

    def package_info(self):
        self.cpp_info.set_property("cmake_file_name", "inngest")
        # The target of all components. By default its name would be that of the headers alone.
        self.cpp_info.set_property("cmake_target_name", "inngest::all")
        self.cpp_info.set_property("cmake_build_modules", [ADAPTERS])
        headers = self.cpp_info.components["headers"]
        headers.set_property("cmake_target_name", "inngest::inngest")
        headers.set_property("pkg_config_name", "inngest")
        headers.bindirs = []
        headers.libdirs = []
        headers.requires = ["nlohmann_json::nlohmann_json", "simdjson::simdjson", "openssl::crypto"]
        if self.options.httplib:
            headers.requires += ["cpp-httplib::cpp-httplib", "openssl::ssl"]
        else:
            headers.defines = ["INNGEST_NO_HTTPLIB"]
        if self.settings.os in ["Linux", "FreeBSD"]:
            headers.system_libs = ["pthread"]
        if self.options.compiled:
            compiled = self.cpp_info.components["compiled"]
            compiled.set_property("cmake_target_name", "inngest::compiled")
            compiled.set_property("pkg_config_name", "inngest-compiled")
            compiled.libs = ["inngest"]
            compiled.defines = ["INNGEST_COMPILED"]
            compiled.requires = ["headers", "sqlite3::sqlite3"]
