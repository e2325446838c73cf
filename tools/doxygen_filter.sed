# What doxygen reads instead of a header: comments at the end of a member's line document the member, and tables of
# enumerators become empty lines.
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
# The inline namespace of the ABI would be part of each name.
s|inngest::inline INNGEST_ABI|inngest|
