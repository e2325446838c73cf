# What doxygen reads instead of a header: comments at the end of a member's line document the member, and tables of
# enumerators become empty lines, and namespaces lose the version that doxygen would take for a name.
/^template <>$/ {
  N
  /enumerators</ {
    :table
    /\}\);$/ {
      s|[^\n]||g
      b
    }
    N
    b table
  }
}
s|([;,]) +// |\1  ///< |
s|^(namespace inngest)::inline INNGEST_ABI|\1|
