//! The table a resource is declared by.
//!
//! ```text
//! resource! {
//!     /// Checks a file of any type.
//!     ///
//!     /// More words, Markdown.
//!     File = "file" {
//!         source: "stat(2), inode(7)",
//!         example: r#"describe(file "/etc/passwd"):its("mode", at_most "0644")"#,
//!         falsified: ("0644", "0000"),
//!         args {
//!             /// The absolute path.
//!             path: Str,
//!             /// One that may be left out.
//!             follow: Bool optional,
//!         }
//!         properties {
//!             /// The size in bytes.
//!             size: Int = File::size;
//!         }
//!         predicates {
//!             /// Whether the owner is this user.
//!             owned_by(/// The name.
//!                      user: Str) absent Fails = File::owned_by;
//!         }
//!         methods { }
//!     }
//! }
//! ```
//!
//! Then, where the resource has them, one of `open: File::key,` or
//! `table { /// The names. \n users <- user: Str; } rows: Passwd::rows,`; both stand after
//! `methods`. `needs: "systemd",` may stand after `falsified`. Getters are
//! `fn(&Self, &Seen) -> Sight<impl Into<Value>>`; those of predicates and methods take
//! `&Args` as well. `Self::new` is `fn(&Args) -> Result<Self, String>`.

macro_rules! resource {
    (
        $(#[doc = $doc:literal])*
        $type:ident = $name:literal {
            source: $source:literal,
            example: $example:literal,
            falsified: ($part:literal, $other:literal),
            $(needs: $needs:literal,)?
            args { $($args:tt)* }
            properties { $($(#[doc = $pdoc:literal])* $pname:ident : $pkind:ident = $pget:expr;)* }
            predicates { $($(#[doc = $qdoc:literal])* $qname:ident ( $($qargs:tt)* ) absent $absence:ident = $qget:expr;)* }
            methods { $($(#[doc = $mdoc:literal])* $mname:ident ( $($margs:tt)* ) : $mkind:ident = $mget:expr;)* }
            $(open: $open:expr,)?
            $(table { $($(#[doc = $cdoc:literal])* $cname:ident <- $cfield:ident : $ckind:ident;)* } rows: $rows:expr,)?
        }
    ) => {
        /// What the catalogue says of this resource.
        pub static ENTRY: $crate::resource::Entry = $crate::resource::Entry {
            name: $name,
            doc: concat!($($doc, "\n"),*),
            source: $source,
            example: $example,
            falsified: ($part, $other),
            needs: concat!("" $(, $needs)?),
            args: args!($($args)*),
            properties: &[$($crate::resource::Property {
                name: stringify!($pname),
                kind: $crate::resource::Kind::$pkind,
                doc: concat!($($pdoc, "\n"),*),
                get: |this, seen| {
                    let get = $pget;
                    get(own::<$type>(this), seen).map(Into::into)
                },
            }),*],
            predicates: &[$($crate::resource::Predicate {
                name: stringify!($qname),
                args: args!($($qargs)*),
                absence: $crate::resource::Absence::$absence,
                doc: concat!($($qdoc, "\n"),*),
                get: |this, seen, args| {
                    let get = $qget;
                    get(own::<$type>(this), seen, args)
                },
            }),*],
            methods: &[$($crate::resource::Method {
                name: stringify!($mname),
                args: args!($($margs)*),
                kind: $crate::resource::Kind::$mkind,
                doc: concat!($($mdoc, "\n"),*),
                get: |this, seen, args| {
                    let get = $mget;
                    get(own::<$type>(this), seen, args).map(Into::into)
                },
            }),*],
            shape: shape!($type; $(open $open)? $(table { $($(#[doc = $cdoc])* $cname <- $cfield : $ckind;)* } rows $rows)?),
            build: |args| Ok(std::rc::Rc::new(<$type>::new(args)?)),
        };

        /// The instance behind a catalogue call.
        fn own<T: 'static>(this: &dyn std::any::Any) -> &T {
            match this.downcast_ref() {
                Some(own) => own,
                None => unreachable!("the catalogue calls an entry with instances it built"),
            }
        }
    };
}

macro_rules! args {
    ($($(#[doc = $doc:literal])* $name:ident : $kind:ident $($optional:ident)?),* $(,)?) => {
        &[$($crate::resource::Arg {
            name: stringify!($name),
            kind: $crate::resource::Kind::$kind,
            required: required!($($optional)?),
            doc: concat!($($doc),*).trim_ascii(),
        }),*]
    };
}

macro_rules! required {
    () => {
        true
    };
    (optional) => {
        false
    };
}

macro_rules! shape {
    ($type:ident;) => { $crate::resource::Shape::Fixed };
    ($type:ident; open $open:expr) => {
        $crate::resource::Shape::Open(|this, seen, path| {
            let get = $open;
            get(own::<$type>(this), seen, path)
        })
    };
    ($type:ident; table { $($(#[doc = $doc:literal])* $name:ident <- $field:ident : $kind:ident;)* } rows $rows:expr) => {
        $crate::resource::Shape::Table {
            columns: &[$($crate::resource::Column {
                name: stringify!($name),
                field: stringify!($field),
                kind: $crate::resource::Kind::$kind,
                doc: concat!($($doc, "\n"),*),
            }),*],
            rows: |this, seen| {
                let get = $rows;
                get(own::<$type>(this), seen)
            },
        }
    };
}
