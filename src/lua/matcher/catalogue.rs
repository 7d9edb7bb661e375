//! The matchers there are, for the reference, the editor stubs and "did you mean".

/// What the reference says of a matcher.
#[derive(Debug, Clone, Copy)]
pub struct MatcherDoc {
    pub name: &'static str,
    /// The arguments as they are written between the brackets; empty for none.
    pub arguments: &'static str,
    /// What it matches, beginning with one sentence.
    pub doc: &'static str,
    /// A use of it in Lua.
    pub example: &'static str,
    /// Used without a call: `empty`, not `empty()`.
    pub bare: bool,
}

const fn matcher(name: &'static str, arguments: &'static str, doc: &'static str, example: &'static str) -> MatcherDoc {
    MatcherDoc { name, arguments, doc, example, bare: arguments.is_empty() }
}

/// Every matcher, in the order of the reference.
pub static CATALOGUE: &[MatcherDoc] = &[
    matcher(
        "eq",
        "value",
        "Is the same value of the same type. An integer equals a float of the same value (1 and 1.0), a file mode \
         its octal digits (\"0640\"), a package version its text. Maps and lists are compared whole. A value that \
         differs in its type only (\"4\" and 4) fails eq and ne alike.",
        "eq \"no\"",
    ),
    matcher("ne", "value", "Is another value: the opposite of eq. What is absent is another value too.", "ne \"yes\""),
    matcher(
        "cmp",
        "value",
        "Is the same to a lenient reader: numbers and their text, true and \"TRUE\", letters of either case, octal \
         modes with and without the leading zero, versions such as \"1.2\" and \"1.2.0\".",
        "cmp(4)",
    ),
    matcher(
        "at_most",
        "bound",
        "Is a number not above the bound; numeric strings are read as numbers. Of a file mode: has no bit beyond \
         those of the bound. Of a package version: is not later.",
        "at_most \"0640\"",
    ),
    matcher(
        "at_least",
        "bound",
        "Is a number not below the bound. Of a file mode: has all bits of the bound. Of a package version: is not \
         earlier.",
        "at_least(14)",
    ),
    matcher("less_than", "bound", "Is a number below the bound, or an earlier package version.", "less_than(100)"),
    matcher("greater_than", "bound", "Is a number above the bound, or a later package version.", "greater_than(0)"),
    matcher(
        "between",
        "low, high",
        "Is at least the lower and at most the higher bound; both belong to it.",
        "between(1, 365)",
    ),
    matcher(
        "matches",
        "regex",
        "Is text in which the regular expression finds something. The syntax is that of Rust's regex crate; ^ and $ \
         stand at line ends. In Lua, [[…]] saves doubling the backslashes.",
        "matches [[^PermitRootLogin\\s+no$]]",
    ),
    matcher(
        "contains",
        "wanted, …",
        "Is text with this in it, or a list with this element; with several arguments, with each of them. For a \
         list, an argument may be a matcher.",
        "contains \"nodev\"",
    ),
    matcher("starts_with", "text", "Is text that begins so.", "starts_with \"/home/\""),
    matcher("ends_with", "text", "Is text that ends so.", "ends_with \"/nologin\""),
    matcher(
        "one_of",
        "value, …",
        "Equals one of the values, which may also be given as one list.",
        "one_of(\"no\", \"prohibit-password\")",
    ),
    matcher("empty", "", "Is empty text, an empty list or an empty map. What is absent is not empty.", "empty"),
    matcher("absent", "", "Is not there: a key nobody has set.", "absent"),
    matcher("has_key", "name", "Is a map with this key.", "has_key \"root\""),
    matcher(
        "len",
        "n",
        "Has this many characters (text) or entries (list, map). The argument is a number or a matcher for it.",
        "len(at_least(1))",
    ),
    matcher(
        "each",
        "matcher",
        "Is a list every element of which matches; an empty list does.",
        "each(ends_with \"/nologin\")",
    ),
    matcher("any_element", "matcher", "Is a list an element of which matches.", "any_element(matches \"^ssh-\")"),
    matcher(
        "version",
        "requirement",
        "Is a version that fits all clauses: >=, >, <=, <, =, != and ~> (of which ~> 1.2.3 is >= 1.2.3, < 1.3). \
         Package versions are ordered as the node's package manager orders them, where an epoch counts only if the \
         requirement names one; text as Semantic Versioning does.",
        "version \">= 1.2, < 2\"",
    ),
    matcher(
        "no",
        "matcher",
        "Does not match. What is of a type the matcher has no rule for fails either way, and so does what is absent: \
         say any(absent, no(…)) if absence is fine. Only eq, cmp and one_of take what is absent for another value.",
        "no(contains \"nullok\")",
    ),
    matcher("all", "matcher, …", "Matches every one.", "all(at_least(1), at_most(5))"),
    matcher("any", "matcher, …", "Matches at least one.", "any(absent, eq \"no\")"),
];
