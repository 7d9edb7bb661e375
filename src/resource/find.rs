//! `find`

use super::catalogue::row;
use super::{Args, Instance, Rows};
use crate::error::did_you_mean;
use crate::node::{Seen, Sight, Unseen};
use crate::probe::{AccountKey, FileKind, Found, Group, GroupEntry, Stat, Stated, User, Walk};
use crate::value::duration::milliseconds;
use crate::value::{Value, mode_text};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

resource! {
    /// Finds files below a directory by type, mode, owner and name, such as all set-user-ID
    /// programs.
    ///
    /// The directory itself counts too. A file is found when all conditions given hold.
    /// Links are found, not followed, and other file systems mounted below are not entered
    /// unless `cross_file_systems` is set. The whole walk is one look at the node. More than
    /// 200,000 files, or a walk longer than `timeout`, is errored; a directory to start
    /// from that does not exist fails.
    Find = "find" {
        source: "find(1), inode(7)",
        example: r#"describe(find("/etc", { type = "file", name = "passw?", max_depth = 1 }))
  :its("paths", contains "/etc/passwd")
describe(find("/etc", { type = "file", any_mode = "0002", name = "passwd" })):does_not_exist()"#,
        falsified: ("\"passw?\"", "\"no such file\""),
        args {
            /// The directory to start from, as an absolute path.
            path: Str,
            /// The type, or a list of types: `file`, `directory`, `symlink`, `block_device`,
            /// `character_device`, `pipe`, `socket`.
            type: Any optional,
            /// Mode bits of which at least one is set, such as `"6000"`.
            any_mode: Mode optional,
            /// Mode bits that are all set, such as `"0111"`.
            all_mode: Mode optional,
            /// Mode bits of which none is set, such as `"1000"`.
            no_mode: Mode optional,
            /// The owner's name or number.
            owner: Any optional,
            /// The group's name or number.
            group: Any optional,
            /// Whether to find only files whose owner is no known user.
            unowned: Bool optional,
            /// Whether to find only files whose group is no known group.
            ungrouped: Bool optional,
            /// A pattern for the last part of the path: `*`, `?`, `[a-z]`.
            name: Str optional,
            /// How many directories deep to go; 0: the directory itself only.
            max_depth: Int optional,
            /// Whether to enter other file systems mounted below.
            cross_file_systems: Bool optional,
            /// Paths of directories not to enter.
            prune: List optional,
            /// How long it may take: seconds, or text such as `"5m"`; 2 minutes unless it
            /// says otherwise.
            timeout: Any optional,
        }
        properties {}
        predicates {}
        methods {}
        table {
            /// The paths of the files, in order.
            paths <- path: Str;
            /// The last parts of the paths.
            names <- name: Str;
            /// Their types, as `type` of `file`.
            types <- type: Str;
            /// Their permission bits.
            modes <- mode: Mode;
            /// The names of their owners, or the numbers where no user has them.
            owners <- owner: Str;
            /// The numbers of their owners.
            uids <- uid: Int;
            /// The names of their groups, or the numbers where no group has them.
            groups <- group: Str;
            /// The numbers of their groups.
            gids <- gid: Int;
            /// Their sizes in bytes.
            sizes <- size: Int;
            /// When their content last changed, in seconds since 1970.
            mtimes <- mtime: Int;
        } rows: Find::rows,
    }
}

/// How long a walk may take unless it says otherwise.
const TIMEOUT_MS: u64 = 120_000;

/// A walk, but for the numbers of the owner and group that are given by name.
pub struct Find {
    walk: Walk,
    owner: Option<Arc<str>>,
    group: Option<Arc<str>>,
}

impl Find {
    fn new(args: &Args) -> Result<Find, String> {
        let path = args.required("path");
        if !path.starts_with('/') || path.contains('\0') {
            return Err(format!("find: path is an absolute path such as \"/usr\", not {path:?}"));
        }
        let (uid, owner) = account("owner", args)?;
        let (gid, group) = account("group", args)?;
        let prune = args.list("prune").unwrap_or_default().iter().map(|path| match path {
            Value::Str(path) if path.starts_with('/') => Ok(path.clone()),
            other => Err(format!("find: prune is a list of absolute paths; {other} is none")),
        });
        let max_depth = args
            .int("max_depth")
            .map(|depth| u32::try_from(depth).map_err(|_| format!("find: max_depth is 0 or more, not {depth}")));
        let walk = Walk {
            path,
            kinds: kinds(args)?,
            any_bits: bits("any_mode", args)?,
            all_bits: bits("all_mode", args)?,
            no_bits: bits("no_mode", args)?,
            uid,
            gid,
            no_user: args.bool("unowned").unwrap_or(false),
            no_group: args.bool("ungrouped").unwrap_or(false),
            name: args.text("name").map(|name| name.to_string()),
            max_depth: max_depth.transpose()?,
            cross_file_systems: args.bool("cross_file_systems").unwrap_or(false),
            prune: prune.collect::<Result<_, String>>()?,
            timeout_ms: match args.get("timeout").map(|value| (value, milliseconds(value))) {
                None => TIMEOUT_MS,
                Some((_, Some(timeout))) if timeout > 0 => timeout,
                Some((value, _)) => {
                    return Err(format!("find: timeout is a length of time such as \"5m\", not {value}"));
                }
            },
        };
        Ok(Find { walk, owner, group })
    }

    fn rows(&self, seen: &Seen<'_>) -> Sight<Rows> {
        let found = self.found(seen)?;
        let uids: BTreeSet<u32> = found.iter().map(|found| found.inode.uid).collect();
        let gids: BTreeSet<u32> = found.iter().map(|found| found.inode.gid).collect();
        let users = seen.each(uids.iter().map(|uid| User { key: AccountKey::Id(*uid) }));
        let groups = seen.each(gids.iter().map(|gid| Group { key: AccountKey::Id(*gid) }))?;
        let users: HashMap<u32, Value> = uids
            .iter()
            .zip(users?)
            .map(|(uid, user)| (*uid, user.map_or_else(|| uid.to_string().into(), |user| user.name.clone().into())))
            .collect();
        let groups: HashMap<u32, Value> = gids
            .iter()
            .zip(groups)
            .map(|(gid, group): (_, Option<Arc<GroupEntry>>)| {
                (*gid, group.map_or_else(|| gid.to_string().into(), |group| group.name.clone().into()))
            })
            .collect();
        Ok(Rows::new(found.iter().map(|Found { path, inode }| {
            row([
                ("path", path.clone().into()),
                ("name", path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("/").into()),
                ("type", inode.kind.name().into()),
                ("mode", Value::Mode(inode.mode)),
                ("owner", users[&inode.uid].clone()),
                ("uid", inode.uid.into()),
                ("group", groups[&inode.gid].clone()),
                ("gid", inode.gid.into()),
                ("size", inode.size.into()),
                ("mtime", inode.mtime.into()),
            ])
        })))
    }

    fn found(&self, seen: &Seen<'_>) -> Sight<Arc<[Found]>> {
        let mut walk = self.walk.clone();
        let owner = self.owner.as_ref().map(|name| seen.get(User { key: AccountKey::Name(name.clone()) }));
        let group = self.group.as_ref().map(|name| seen.get(Group { key: AccountKey::Name(name.clone()) }));
        if let Some(owner) = owner {
            let missing = || Unseen::Missing(format!("User {}", self.owner.as_deref().unwrap_or("")));
            // Both names are looked up before either is waited for.
            if matches!(group, Some(Err(Unseen::Pending))) {
                return Err(Unseen::Pending);
            }
            walk.uid = Some(owner?.ok_or_else(missing)?.uid);
        }
        if let Some(group) = group {
            let missing = || Unseen::Missing(format!("Group {}", self.group.as_deref().unwrap_or("")));
            walk.gid = Some(group?.ok_or_else(missing)?.gid);
        }
        let start = seen.get(Stat { path: walk.path.clone() });
        let path = walk.path.clone();
        let found = seen.get(walk);
        if matches!(found, Err(Unseen::Pending)) {
            return Err(Unseen::Pending);
        }
        match start?.as_ref().and_then(Stated::target) {
            Some(_) => found,
            None => Err(Unseen::Missing(format!("Directory {path}"))),
        }
    }
}

/// A user or group given by number, or the name to look up.
fn account(name: &str, args: &Args) -> Result<(Option<u32>, Option<Arc<str>>), String> {
    match args.get(name) {
        None => Ok((None, None)),
        Some(Value::Str(text)) => Ok((None, Some(text.clone()))),
        Some(Value::Int(id)) if u32::try_from(*id).is_ok() => Ok((u32::try_from(*id).ok(), None)),
        Some(other) => Err(format!("find: {name} is a name or a number, not {other}")),
    }
}

/// Mode bits written as octal digits; none when they are not given.
fn bits(name: &str, args: &Args) -> Result<u16, String> {
    let Some(text) = args.text(name) else { return Ok(0) };
    match u16::from_str_radix(&text, 8) {
        Ok(bits) if bits <= 0o7777 => Ok(bits),
        _ => Err(format!("find: {name} is octal digits such as {:?}, not {text:?}", mode_text(0o6000))),
    }
}

fn kinds(args: &Args) -> Result<Vec<FileKind>, String> {
    const KINDS: [FileKind; 7] = [
        FileKind::File,
        FileKind::Directory,
        FileKind::Symlink,
        FileKind::BlockDevice,
        FileKind::CharacterDevice,
        FileKind::Pipe,
        FileKind::Socket,
    ];
    let given = match args.get("type") {
        None => return Ok(Vec::new()),
        Some(Value::List(given)) => given.clone(),
        Some(one) => vec![one.clone()],
    };
    let named = |value: &Value| {
        let name =
            value.as_text().ok_or_else(|| format!("find: type is a string or a list of strings, not {value}"))?;
        KINDS
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("find: there is no type {name}; {}", did_you_mean(&name, KINDS.map(FileKind::name))))
    };
    given.iter().map(named).collect()
}

impl Instance for Find {
    fn title(&self) -> String {
        let walk = &self.walk;
        let mut words = Vec::new();
        if !walk.kinds.is_empty() {
            words.push(walk.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or "));
        }
        for (word, bits) in [("any of mode", walk.any_bits), ("mode", walk.all_bits), ("not mode", walk.no_bits)] {
            if bits != 0 {
                words.push(format!("{word} {}", mode_text(bits)));
            }
        }
        if let Some(name) = &walk.name {
            words.push(format!("name {name}"));
        }
        let owners = [("owner", &self.owner, walk.uid), ("group", &self.group, walk.gid)];
        for (word, name, id) in owners {
            if let Some(who) = name.as_ref().map(|name| name.to_string()).or(id.map(|id| id.to_string())) {
                words.push(format!("{word} {who}"));
            }
        }
        words.extend(walk.no_user.then(|| "no owner".to_string()));
        words.extend(walk.no_group.then(|| "no group".to_string()));
        let conditions = if words.is_empty() { String::new() } else { format!(" with {}", words.join(", ")) };
        format!("Files below {}{conditions}", walk.path)
    }

    /// Whether any file is found.
    fn exists(&self, seen: &Seen<'_>) -> Sight<bool> {
        Ok(!self.found(seen)?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::{Account, FaultKind, Inode};
    use crate::resource::testing::{Trial, fault, missing, named};
    use crate::transport::scripted::Scripted;

    fn inode(mode: u16, uid: u32, gid: u32) -> Inode {
        let kind = FileKind::File;
        Inode { kind, mode, uid, gid, size: 9, mtime: 5, nlink: 1, ino: 1, dev: 1, selinux: None, acl: false }
    }

    fn start() -> (Stat, Option<Stated>) {
        let own = Inode { kind: FileKind::Directory, ..inode(0o755, 0, 0) };
        (Stat { path: "/usr".into() }, Some(Stated { own, link: None }))
    }

    fn walk() -> Walk {
        Walk { path: "/usr".into(), timeout_ms: TIMEOUT_MS, ..Walk::default() }
    }

    fn root() -> Option<Arc<Account>> {
        let empty: Arc<str> = "".into();
        let (gecos, home, shell) = (empty.clone(), empty.clone(), empty);
        Some(Arc::new(Account { name: "root".into(), uid: 0, gid: 0, gecos, home, shell }))
    }

    #[test]
    fn conditions_reach_the_walk_and_names_come_one_round_later() {
        let expected = Walk {
            kinds: vec![FileKind::File, FileKind::Pipe],
            any_bits: 0o6000,
            no_bits: 0o1000,
            name: Some("s*".into()),
            max_depth: Some(3),
            prune: vec!["/usr/share".into()],
            timeout_ms: 300_000,
            ..walk()
        };
        let found = [
            Found { path: "/usr/bin/su".into(), inode: inode(0o4755, 0, 7) },
            Found { path: "/usr/bin/sx".into(), inode: inode(0o2755, 99, 7) },
        ];
        let (stat, stated) = start();
        let node = Scripted::new()
            .with(stat, stated)
            .with(expected, Arc::from(found))
            .with(User { key: AccountKey::Id(0) }, root())
            .with(User { key: AccountKey::Id(99) }, None)
            .with(Group { key: AccountKey::Id(7) }, None);
        let options = named([
            ("type", Value::strings(["file", "pipe"])),
            ("any_mode", "6000".into()),
            ("no_mode", "1000".into()),
            ("name", "s*".into()),
            ("max_depth", Value::Int(3)),
            ("prune", Value::strings(["/usr/share"])),
            ("timeout", "5m".into()),
        ]);
        let find = Trial::of("find", ["/usr".into(), options], node);
        assert_eq!(find.exists(), Ok(true));
        assert_eq!(find.rounds(), 1);
        assert_eq!(find.its("paths"), Ok(Value::strings(["/usr/bin/su", "/usr/bin/sx"])));
        assert_eq!(find.its("names"), Ok(Value::strings(["su", "sx"])));
        assert_eq!(find.its("owners"), Ok(Value::strings(["root", "99"])));
        assert_eq!(find.its("groups"), Ok(Value::strings(["7", "7"])));
        assert_eq!(find.its("modes"), Ok(Value::List(vec![Value::Mode(0o4755), Value::Mode(0o2755)])));
        assert_eq!(find.rounds(), 2);
        assert_eq!(find.title(), "Files below /usr with file or pipe, any of mode 6000, not mode 1000, name s*");
    }

    #[test]
    fn an_owner_by_name_is_looked_up_first() {
        let (stat, stated) = start();
        let node = Scripted::new()
            .with(stat, stated)
            .with(User { key: AccountKey::Name("root".into()) }, root())
            .with(Walk { uid: Some(0), ..walk() }, Arc::from([]));
        let find = Trial::of("find", ["/usr".into(), named([("owner", "root".into())])], node);
        assert_eq!(find.exists(), Ok(false));
        assert_eq!(find.rounds(), 2);
        let node = Scripted::new().with(User { key: AccountKey::Name("bob".into()) }, None);
        let find = Trial::of("find", ["/usr".into(), named([("owner", "bob".into())])], node);
        assert_eq!(missing(find.exists()), "User bob");
    }

    #[test]
    fn no_place_to_start_from_is_not_the_same_as_nothing_found() {
        let (stat, _) = start();
        let node = Scripted::new().with(stat.clone(), None).with_fault(walk(), FaultKind::Failed, "no such directory");
        assert_eq!(missing(Trial::of("find", ["/usr".into()], node).exists()), "Directory /usr");
        let (_, stated) = start();
        let node = Scripted::new().with(stat, stated).with_fault(walk(), FaultKind::TimedOut, "took too long");
        assert_eq!(fault(Trial::of("find", ["/usr".into()], node).its("paths")), "took too long");
    }

    #[test]
    fn nonsense_is_refused_with_the_remedy() {
        let error = |name: &str, value: Value| {
            let given = ["/usr".into(), named([(name, value)])];
            Trial::try_of("find", given, Scripted::new()).err().unwrap()
        };
        assert_eq!(error("type", "flie".into()), "find: there is no type flie; did you mean file?");
        assert!(error("any_mode", "0o6000".into()).contains("octal digits"));
        assert!(error("any_mode", Value::Int(6000)).contains("mode"));
        assert!(error("max_depth", Value::Int(-1)).contains("0 or more"));
        assert!(error("prune", Value::strings(["proc"])).contains("absolute"));
        assert!(error("owner", true.into()).contains("a name or a number"));
        assert!(error("timeout", "soon".into()).contains("length of time"));
    }
}
