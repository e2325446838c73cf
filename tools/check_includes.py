#!/usr/bin/env python3
"""Checks that a file includes no standard header of which it uses no name.

Each file includes what it uses itself: x.hpp what its declarations need, impl/x.ipp what its definitions need. So files
that only need the declarations read less. A header without an entry in NAMES is not checked.
"""

import re
import sys

from check_layers import HEADERS, ROOT, code_of

ALGORITHMS = """adjacent_find all_of any_of binary_search clamp copy copy_if copy_n count count_if equal equal_range fill
    fill_n find find_first_of find_if find_if_not for_each generate includes inplace_merge is_sorted
    lexicographical_compare lower_bound make_heap max max_element merge min min_element minmax mismatch move_backward none_of
    nth_element partition partition_point pop_heap push_heap remove remove_if replace replace_if reverse rotate sample search
    set_difference set_intersection set_union shuffle sort stable_partition stable_sort swap_ranges transform unique
    upper_bound""".split()


def std(*names):
    return r"\bstd::(?:ranges::)?\(?(?:%s)\b" % "|".join(names)


# What one finds in a file that needs the header.
NAMES = {
    "algorithm": r"\bstd::(?:ranges::)?(?:%s)\b" % "|".join(ALGORITHMS),
    "array": std("array", "to_array"),
    "atomic": r"\bstd::(?:atomic|memory_order)",
    "bit": std("bit_cast", "bit_ceil", "bit_width", "countl_zero", "countr_zero", "endian", "has_single_bit", "popcount",
               "rotl", "rotr"),
    "charconv": r"\b(?:from_chars|to_chars|chars_format)\b",
    "chrono": r"\bchrono\b",
    "cmath": std("abs", "ceil", "exp", "fabs", "floor", "fmod", "frexp", "isfinite", "isinf", "isnan", "ldexp", "log",
                 "lround", "modf", "nextafter", "pow", "rint", "round", "signbit", "sqrt", "trunc"),
    "compare": r"<=>|_ordering\b",
    "condition_variable": r"\bcondition_variable|\bcv_status\b",
    "cstdint": r"\bu?int(?:8|16|32|64|max|ptr)_t\b|\bU?INT\d+_",
    "cstring": r"\b(?:mem(?:chr|cmp|cpy|mem|move|rchr|set)|str(?:chr|cmp|error|error_r|len|ncmp))\b",
    "ctime": r"\btime_t\b|\bstd::tm\b|\btm\b|\b(?:gm|local)time",
    "deque": std("deque"),
    "exception": std("current_exception", "exception", "exception_ptr", "make_exception_ptr", "nested_exception",
                     "rethrow_exception", "rethrow_if_nested", "terminate", "throw_with_nested", "uncaught_exceptions"),
    "filesystem": r"\bfilesystem\b",
    "fstream": r"fstream\b",
    "functional": std("bind", "bind_front", "cref", "equal_to", "function", "greater", "hash", "identity", "invoke", "less",
                      "mem_fn", "not_fn", "plus", "ref", "reference_wrapper"),
    "future": std("async", "future", "packaged_task", "promise", "shared_future"),
    "initializer_list": r"\binitializer_list\b",
    "limits": r"\bnumeric_limits\b",
    "list": std("list"),
    "map": std("map", "multimap"),
    "mutex": std("adopt_lock", "call_once", "defer_lock", "lock", "lock_guard", "mutex", "once_flag", "recursive_mutex",
                 "scoped_lock", "timed_mutex", "try_to_lock", "unique_lock"),
    "numeric": std("accumulate", "gcd", "inner_product", "iota", "midpoint", "partial_sum", "reduce"),
    "optional": std("bad_optional_access", "in_place", "make_optional", "nullopt", "nullopt_t", "optional"),
    "queue": std("priority_queue", "queue"),
    "random": std("minstd_rand", "mt19937", "mt19937_64", "random_device", "uniform_int_distribution", "uniform_real_distribution"),
    "set": std("multiset", "set"),
    "shared_mutex": r"\bshared_(?:mutex|lock)\b",
    "source_location": r"\bsource_location\b",
    "span": std("as_bytes", "dynamic_extent", "span"),
    "sstream": r"stringstream\b|\bstringbuf\b",
    "stdexcept": std("domain_error", "invalid_argument", "length_error", "logic_error", "out_of_range", "overflow_error",
                     "range_error", "runtime_error"),
    "stop_token": r"\bstd::(?:stop_|nostopstate)",
    "string": r"\bstd::(?:basic_string|char_traits|erase|getline|sto[a-z]+|string|to_string|u8string|u16string|u32string"
              r"|wstring)\b",
    "string_view": r"string_view\b|\"sv\b",
    "system_error": r"\b(?:errc|error_code|error_condition|generic_category|make_error_code|system_category|system_error)\b",
    "thread": r"\bstd::(?:j?thread|this_thread)\b",
    "tuple": std("apply", "forward_as_tuple", "get", "ignore", "make_from_tuple", "make_tuple", "tie", "tuple", "tuple_cat",
                 "tuple_element_t", "tuple_size_v", "tuple_size"),
    "typeinfo": r"\btypeid\b|\btype_info\b|\bbad_cast\b",
    "unordered_map": r"\bunordered_(?:multi)?map\b",
    "unordered_set": r"\bunordered_(?:multi)?set\b",
    "variant": std("bad_variant_access", "get", "get_if", "holds_alternative", "monostate", "variant", "variant_size_v",
                   "visit"),
    "vector": r"\b(?:std|pmr)::vector\b",
}

INCLUDE = re.compile(r"^[ \t]*#[ \t]*include[ \t]*<([^>]+)>.*$", re.MULTILINE)


def unused_of(code):
    without_includes = INCLUDE.sub("", code)
    return [name for name in INCLUDE.findall(code)
            if name in NAMES and not re.search(NAMES[name], without_includes)]


def main():
    files = sorted(path for path in HEADERS.rglob("*") if path.suffix in (".hpp", ".ipp"))
    problems = [f"{path.relative_to(ROOT)} uses nothing of <{name}>"
                for path in files for name in unused_of(code_of(path.read_text()))]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print(f"{len(files)} files use the standard headers that they include")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
