use crate::node::Unseen;
use crate::probe::{
    Account, AccountKey, FaultKind, FileKind, Flags, Group, GroupEntry, Groups, Inode, InodeFlags, Link, Read, Stat,
    Stated, User,
};
use crate::resource::testing::{Trial, fault, missing, named};
use crate::transport::scripted::Scripted;
use crate::value::Value;
use std::sync::Arc;

fn inode(kind: FileKind, mode: u16, uid: u32, gid: u32) -> Inode {
    Inode { kind, mode, uid, gid, size: 3, mtime: 17, nlink: 1, ino: 1, dev: 1, selinux: None, acl: false }
}

fn plain(own: Inode) -> Option<Stated> {
    Some(Stated { own, link: None })
}

fn stat(path: &str) -> Stat {
    Stat { path: path.into() }
}

fn link(text: &str, canonical: Option<&str>, target: Option<Inode>) -> Option<Stated> {
    let own = inode(FileKind::Symlink, 0o777, 0, 0);
    Some(Stated { own, link: Some(Link { text: text.into(), canonical: canonical.map(Into::into), target }.into()) })
}

fn account(name: &str, uid: u32, gid: u32) -> Option<Arc<Account>> {
    let empty: Arc<str> = "".into();
    Some(Arc::new(Account { name: name.into(), uid, gid, gecos: empty.clone(), home: empty.clone(), shell: empty }))
}

/// A node with `/srv/data` as given, the user `web` (33, group 33) and its second group
/// `staff` (50).
fn served(directory: Inode, file: Inode) -> Scripted {
    let staff = GroupEntry { name: "staff".into(), gid: 50, members: vec!["web".into()] };
    let web = GroupEntry { name: "web".into(), gid: 33, members: vec![] };
    Scripted::new()
        .with(stat("/"), plain(inode(FileKind::Directory, 0o755, 0, 0)))
        .with(stat("/srv"), plain(directory))
        .with(stat("/srv/data"), plain(file))
        .with(User { key: AccountKey::Name("web".into()) }, account("web", 33, 33))
        .with(User { key: AccountKey::Name("root".into()) }, account("root", 0, 0))
        .with(User { key: AccountKey::Name("nobody".into()) }, None)
        .with(Groups, Arc::from([staff, web]))
}

fn by_user(name: &str) -> [Value; 1] {
    [named([("user", name.into())])]
}

#[test]
fn metadata_takes_one_round_and_names_one_more() {
    let node = served(inode(FileKind::Directory, 0o755, 0, 0), inode(FileKind::File, 0o4640, 33, 7))
        .with(User { key: AccountKey::Id(33) }, account("web", 33, 33))
        .with(Group { key: AccountKey::Id(7) }, None)
        .with(Read { path: "/srv/data".into() }, Some(Arc::from(*b"abc")));
    let file = Trial::of("file", ["/srv/data".into()], node);
    assert_eq!(file.its("mode"), Ok(Value::Mode(0o4640)));
    assert_eq!(file.is("setuid", []), Ok(true));
    assert_eq!(file.is("more_permissive_than", ["0640".into()]), Ok(true));
    assert_eq!(file.is("more_permissive_than", ["4644".into()]), Ok(false));
    assert_eq!(file.its("basename"), Ok("data".into()));
    assert_eq!(file.its("link_path"), Ok(Value::Nil));
    assert_eq!(file.rounds(), 1);
    assert_eq!(file.its("owner"), Ok("web".into()));
    assert_eq!(file.its("group"), Ok("7".into()), "a group without a name is its number");
    assert_eq!(file.rounds(), 3);
    assert_eq!(file.its("sha256sum"), Ok("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad".into()));
    assert_eq!(file.its("md5sum"), Ok("900150983cd24fb0d6963f7d28e17f72".into()));
    assert_eq!(file.rounds(), 4);
}

#[test]
fn the_owner_is_compared_in_one_round() {
    let node = served(inode(FileKind::Directory, 0o755, 0, 0), inode(FileKind::File, 0o640, 33, 7))
        .with(User { key: AccountKey::Name("33".into()) }, None);
    let file = Trial::of("file", ["/srv/data".into()], node);
    assert_eq!(file.is("owned_by", ["web".into()]), Ok(true));
    assert_eq!(file.rounds(), 1);
    assert_eq!(file.is("owned_by", ["nobody".into()]), Ok(false));
    assert_eq!(file.is("owned_by", [Value::Int(33)]), Ok(true));
    assert_eq!(file.is("owned_by", ["33".into()]), Ok(true), "the number as text, as the owner property gives it");
    assert!(matches!(file.is("owned_by", [Value::Int(-1)]), Err(Unseen::Misuse(_))));
}

#[test]
fn everything_about_a_missing_file_is_missing() {
    let node = Scripted::new()
        .with(stat("/etc/motd"), None)
        .with(Read { path: "/etc/motd".into() }, None)
        .with(Flags { path: "/etc/motd".into() }, None)
        .with(stat("/"), plain(inode(FileKind::Directory, 0o755, 0, 0)))
        .with(stat("/etc"), plain(inode(FileKind::Directory, 0o755, 0, 0)))
        .with(Groups, Arc::from([]))
        .with(User { key: AccountKey::Name("web".into()) }, account("web", 33, 33));
    let file = Trial::of("file", ["/etc/motd".into()], node);
    assert_eq!(file.exists(), Ok(false));
    assert_eq!(missing(file.its("content")), "File /etc/motd");
    assert_eq!(missing(file.is("symlink", [])), "File /etc/motd");
    assert_eq!(missing(file.is("immutable", [])), "File /etc/motd");
    assert_eq!(missing(file.is("readable_by", by_user("web"))), "File /etc/motd");
    assert_eq!(missing(file.is("owned_by", ["web".into()])), "File /etc/motd");
}

#[test]
fn a_parent_that_cannot_be_searched_is_a_fault() {
    let node = Scripted::new().with_fault(stat("/root/x"), FaultKind::Denied, "cannot look at /root/x");
    let file = Trial::of("file", ["/root/x".into()], node);
    assert_eq!(fault(file.exists()), "cannot look at /root/x");
}

#[test]
fn a_link_that_leads_nowhere_is_still_a_link() {
    let node = Scripted::new().with(stat("/a"), link("b", None, None));
    let file = Trial::of("file", ["/a".into()], node);
    assert_eq!(file.exists(), Ok(false));
    assert_eq!(file.is("symlink", []), Ok(true));
    assert_eq!(file.its("shallow_link_path"), Ok("b".into()));
    assert_eq!(missing(file.its("mode")), "Target b of the link /a");
    let target = inode(FileKind::File, 0o600, 0, 0);
    let node = Scripted::new().with(stat("/a"), link("b", Some("/b"), Some(target)));
    let file = Trial::of("file", ["/a".into()], node);
    assert_eq!(file.its("type"), Ok("file".into()));
    assert_eq!(file.its("mode"), Ok(Value::Mode(0o600)));
    assert_eq!(file.is("linked_to", ["/b".into()]), Ok(true));
    assert_eq!(file.is("linked_to", ["b".into()]), Ok(true));
    assert_eq!(file.is("linked_to", ["/c".into()]), Ok(false));
}

#[test]
fn a_user_needs_the_bits_of_its_class_and_only_those() {
    let open = || inode(FileKind::Directory, 0o755, 0, 0);
    let data = |mode, uid, gid| served(open(), inode(FileKind::File, mode, uid, gid));
    let may = |node, predicate, user| {
        let file = Trial::of("file", ["/srv/data".into()], node);
        let answer = file.is(predicate, by_user(user));
        assert_eq!(file.rounds(), 1);
        answer
    };
    assert_eq!(may(data(0o640, 0, 50), "readable_by", "web"), Ok(true), "through a second group");
    assert_eq!(may(data(0o604, 0, 50), "readable_by", "web"), Ok(false), "its group is denied, others are not");
    assert_eq!(may(data(0o077, 33, 0), "readable_by", "web"), Ok(false), "the owner is denied");
    assert_eq!(may(data(0o602, 0, 0), "writable_by", "web"), Ok(true));
    assert_eq!(may(data(0o000, 33, 0), "writable_by", "root"), Ok(true));
    assert_eq!(may(data(0o644, 33, 0), "executable_by", "root"), Ok(false));
    assert_eq!(missing(may(data(0o644, 33, 0), "readable_by", "nobody")), "User nobody");
}

#[test]
fn a_closed_directory_on_the_way_denies_and_links_are_followed_through_it() {
    let readable = || inode(FileKind::File, 0o644, 0, 0);
    let node = served(inode(FileKind::Directory, 0o750, 0, 0), readable())
        .with(stat("/data"), link("srv/./data", Some("/srv/data"), Some(readable())))
        .with(stat("/up"), link("/srv/../open", Some("/open"), Some(readable())))
        .with(stat("/open"), plain(readable()));
    let closed = Trial::of("file", ["/data".into()], node);
    assert_eq!(closed.is("readable_by", by_user("web")), Ok(false), "/srv is closed to it");
    assert_eq!(closed.is("readable_by", by_user("root")), Ok(true));
    let node = served(inode(FileKind::Directory, 0o750, 0, 50), readable())
        .with(stat("/up"), link("/srv/../open", Some("/open"), Some(readable())))
        .with(stat("/open"), plain(readable()));
    let open = Trial::of("file", ["/up".into()], node);
    assert_eq!(open.is("readable_by", by_user("web")), Ok(true));
}

#[test]
fn an_access_control_list_is_a_fault_only_where_the_bits_cannot_tell() {
    let listed = |mode, uid| Inode { acl: true, ..inode(FileKind::File, mode, uid, 0) };
    let at = |file| {
        let node = served(inode(FileKind::Directory, 0o755, 0, 0), file);
        Trial::of("file", ["/srv/data".into()], node)
    };
    assert_eq!(at(listed(0o640, 0)).is("writable_by", by_user("web")), Ok(false), "the mask lacks it");
    assert_eq!(at(listed(0o400, 33)).is("readable_by", by_user("web")), Ok(true), "the owner's bits are exact");
    assert!(fault(at(listed(0o640, 0)).is("readable_by", by_user("web"))).contains("access control list"));
    assert!(fault(at(listed(0o660, 0)).is("writable_by", ["group".into()])).contains("what the group may do"));
    assert_eq!(at(listed(0o660, 0)).is("writable_by", ["other".into()]), Ok(false));
}

#[test]
fn who_is_a_class_or_a_user() {
    let node = served(inode(FileKind::Directory, 0o755, 0, 0), inode(FileKind::File, 0o646, 0, 0));
    let file = Trial::of("file", ["/srv/data".into()], node);
    assert_eq!(file.is("writable_by", ["other".into()]), Ok(true));
    assert_eq!(file.is("writable_by", ["group".into()]), Ok(false));
    assert_eq!(file.is("allowed", ["read".into(), "group".into()]), Ok(true));
    let Err(Unseen::Misuse(message)) = file.is("writable_by", ["www-data".into()]) else { panic!("no misuse") };
    assert!(message.contains(r#"{ user = "www-data" }"#), "{message}");
    assert!(matches!(file.is("readable_by", []), Err(Unseen::Misuse(_))));
    assert!(matches!(file.is("more_permissive_than", ["0648".into()]), Err(Unseen::Misuse(_))));
}

#[test]
fn flags_are_read_from_the_inode() {
    let flags = InodeFlags { immutable: true, append_only: false };
    let node = Scripted::new().with(Flags { path: "/etc/resolv.conf".into() }, Some(flags));
    let file = Trial::of("file", ["/etc/resolv.conf".into()], node);
    assert_eq!(file.is("immutable", []), Ok(true));
    assert_eq!(file.is("append_only", []), Ok(false));
}

#[test]
fn a_relative_path_is_refused() {
    let error = Trial::try_of("file", ["etc/motd".into()], Scripted::new()).err().unwrap();
    assert_eq!(error, r#"file: path is an absolute path such as "/etc/motd", not "etc/motd""#);
}

#[test]
fn a_directory_is_nothing_else() {
    let node = served(inode(FileKind::Directory, 0o1777, 0, 0), inode(FileKind::File, 0o644, 0, 0));
    let file = Trial::of("directory", ["/srv/data".into()], node);
    assert_eq!(file.exists(), Ok(false));
    assert_eq!(missing(file.its("mode")), "Directory /srv/data");
    let node = served(inode(FileKind::Directory, 0o1777, 0, 0), inode(FileKind::File, 0o644, 0, 0));
    let directory = Trial::of("directory", ["/srv".into()], node);
    assert_eq!(directory.exists(), Ok(true));
    assert_eq!(directory.is("sticky", []), Ok(true));
    assert_eq!(directory.rounds(), 1);
}
