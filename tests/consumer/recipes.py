#!/usr/bin/env python3
"""Checks the recipes of Conan, vcpkg and Bazel without these programs: that they run, name the library's version, and
take files that exist. vcpkg_port.cmake runs the port."""

import json
import pathlib
import re
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERSION = re.search(r'INNGEST_VERSION "([^"]+)"', (ROOT / "include/inngest/version.hpp").read_text()).group(1)


class Anything(types.SimpleNamespace):
    """An object whose members are whatever is asked for."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        setattr(self, name, Anything())
        return getattr(self, name)

    def __call__(self, *_, **__):
        return Anything()


class Toolchain:
    """Its variables must be options of CMakeLists.txt."""

    def __init__(self, _):
        self.cache_variables = {}

    def generate(self):
        options = re.findall(r"option\((\w+)", (ROOT / "CMakeLists.txt").read_text(encoding="utf-8"))
        assert self.cache_variables and set(self.cache_variables) <= set(options), self.cache_variables


def copy(recipe, pattern, source, _):
    assert list(pathlib.Path(source).glob(pattern)), f"conanfile.py copies {pattern}, which is not there"
    recipe.copied.append(pattern)


def pretend_conan():
    """Modules of Conan's names. What the recipe needs of them is a base class and some functions."""
    for name in ["conan", "conan.tools", "conan.tools.build", "conan.tools.cmake", "conan.tools.files"]:
        module = types.ModuleType(name)
        for function in ["check_min_cppstd", "CMake", "CMakeDeps", "cmake_layout", "can_run"]:
            setattr(module, function, Anything())
        module.CMakeToolchain = Toolchain
        module.copy = copy
        module.load = lambda _, path: pathlib.Path(path).read_text(encoding="utf-8")
        module.ConanFile = type("ConanFile", (), {})
        sys.modules[name] = module


class Components(dict):
    def __missing__(self, name):
        self[name] = Anything(names={})
        self[name].set_property = lambda key, value, part=self[name]: part.names.update({key: value})
        return self[name]


def conan_package(compiled, httplib):
    scope = {}
    exec(compile((ROOT / "conanfile.py").read_text(encoding="utf-8"), "conanfile.py", "exec"), scope)
    recipe = scope["Inngest"]()
    recipe.recipe_folder = recipe.source_folder = str(ROOT)
    recipe.package_folder = "package"
    recipe.copied = []
    recipe.options = Anything(compiled=compiled, httplib=httplib)
    recipe.settings = Anything(os="Linux")
    recipe.cpp_info = Anything(components=Components(), names={})
    recipe.cpp_info.set_property = lambda key, value: recipe.cpp_info.names.update({key: value})
    required = []
    recipe.requires = lambda reference, **_: required.append(reference.split("/")[0])
    recipe.set_version()
    recipe.requirements()
    recipe.validate()
    recipe.generate()
    recipe.package()
    recipe.package_info()
    assert recipe.version == VERSION
    for pattern in recipe.exports_sources:
        assert list(ROOT.glob(pattern)), f"conanfile.py exports {pattern}, which is not there"
    assert set(recipe.cpp_info.names["cmake_build_modules"]) <= set(recipe.copied), recipe.copied
    names = [part.names["cmake_target_name"] for part in recipe.cpp_info.components.values()]
    assert recipe.cpp_info.names["cmake_target_name"] not in names, names  # it would link all of them
    for part in recipe.cpp_info.components.values():
        for name in part.requires:  # "package::component" of a required package
            assert "::" not in name or name.split("::")[0] in required, (name, required)
    return recipe


def check_conan():
    pretend_conan()
    headers = conan_package(compiled=False, httplib=True).cpp_info.components
    assert list(headers) == ["headers"] and headers["headers"].names["cmake_target_name"] == "inngest::inngest"
    assert "INNGEST_NO_HTTPLIB" in conan_package(False, httplib=False).cpp_info.components["headers"].defines
    compiled = conan_package(compiled=True, httplib=True).cpp_info.components["compiled"]
    assert compiled.names["cmake_target_name"] == "inngest::compiled" and compiled.libs == ["inngest"]


def check_vcpkg():
    port = json.loads((ROOT / "packaging/vcpkg/inngest/vcpkg.json").read_text(encoding="utf-8"))
    assert port["version"] == VERSION, port["version"]
    script = (ROOT / "packaging/vcpkg/inngest/portfile.cmake").read_text(encoding="utf-8")
    for feature in port["features"]:
        assert re.search(rf"^    {feature} INNGEST_\w+$", script, re.MULTILINE), feature


def run_starlark(path, functions):
    """Bazel's files are Python as far as they go here."""
    exec(compile((ROOT / path).read_text(encoding="utf-8"), path, "exec"), dict(functions))


def check_bazel():
    modules = {}
    deps = {"inngest"}
    run_starlark("MODULE.bazel", {"module": modules.update, "bazel_dep": lambda name, version: deps.add(name)})
    assert modules == {"name": "inngest", "version": VERSION}, modules

    def glob(patterns):
        found = [str(file) for pattern in patterns for file in ROOT.glob(pattern)]
        assert found, patterns
        return found

    targets = {}

    def cc_library(name, **attributes):
        targets[name] = attributes
        for dependency in attributes["deps"]:
            if dependency.startswith("@"):
                assert re.match(r"@([\w-]+)", dependency).group(1) in deps, dependency
            else:
                assert dependency.removeprefix(":") in targets, dependency

    run_starlark("BUILD.bazel", {"load": lambda *_: None, "package": lambda **_: None, "glob": glob,
                                 "cc_library": cc_library})
    assert len(targets["inngest"]["hdrs"]) == sum(
        1 for file in (ROOT / "include").rglob("*") if file.suffix in (".hpp", ".ipp"))
    assert targets["compiled"]["defines"] == ["INNGEST_COMPILED"]


check_conan()
check_vcpkg()
check_bazel()
print("recipes: passed")
