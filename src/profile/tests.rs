use super::*;
use std::fs;
use tempfile::TempDir;

const MANIFEST: &str = "name: x\nversion: 1.0.0\n";

/// A directory with a small profile and `more` files.
pub(super) fn directory(more: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let base: [(&str, &[u8]); 4] = [
        ("profile.yml", MANIFEST.as_bytes()),
        ("controls/b.lua", b"-- b"),
        ("controls/a/z.lua", b"-- z"),
        ("files/motd", b"\xff\x00"),
    ];
    for (path, bytes) in base.iter().chain(more) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

fn refused(folder: &TempDir) -> String {
    let error = Profile::load(folder.path()).unwrap_err().to_string();
    error.replace(&folder.path().display().to_string(), "PROFILE")
}

#[test]
fn a_directory_is_read_in_a_fixed_order_and_only_what_belongs() {
    let folder = directory(&[
        ("libraries/l.lua", b"return {}"),
        ("controls/.hidden.lua", b"\xff"),
        ("controls/b.lua~", b"\xff"),
        ("x-1.0.0.tar.gz", b"not part of it"),
        (".git/config", b""),
        ("scripts/run.sh", b""),
    ]);
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("elsewhere")).unwrap();
    let profile = Profile::load(folder.path()).unwrap();
    assert_eq!(profile.controls().collect::<Vec<_>>(), [("controls/a/z.lua", "-- z"), ("controls/b.lua", "-- b")]);
    assert_eq!(profile.libraries().map(|(path, _)| path).collect::<Vec<_>>(), ["libraries/l.lua"]);
    assert_eq!(&**profile.file("files/motd").unwrap(), b"\xff\x00");
    assert_eq!(profile.files().len(), 5);
}

/// The documented rule, so that a person can compute it with sha256sum.
#[test]
fn the_digest_is_that_of_the_lines_of_sha256sum() {
    let folder = directory(&[]);
    let profile = Profile::load(folder.path()).unwrap();
    let lines: String = ["controls/a/z.lua", "controls/b.lua", "files/motd", "profile.yml"]
        .iter()
        .map(|path| format!("{}  {path}\n", sha256(&fs::read(folder.path().join(path)).unwrap())))
        .collect();
    assert_eq!(**profile.sha256(), sha256(lines.as_bytes()));
    assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    fs::write(folder.path().join("controls/b.lua"), "-- c").unwrap();
    assert_ne!(Profile::load(folder.path()).unwrap().sha256(), profile.sha256());
}

#[test]
fn what_is_no_profile_is_refused_with_the_remedy() {
    let error = Profile::load(Path::new("/nonexistent/x")).unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/x: there is no such profile\n  hint: name a directory"), "{error}");

    let folder = directory(&[]);
    fs::remove_file(folder.path().join("profile.yml")).unwrap();
    let error = refused(&folder);
    assert!(error.starts_with("PROFILE: is not a profile: there is no profile.yml"), "{error}");
    assert!(error.contains("probity init NAME"), "{error}");
    fs::write(folder.path().join("inspec.yml"), "").unwrap();
    assert!(refused(&folder).contains("InSpec"));

    let folder = directory(&[]);
    fs::remove_dir_all(folder.path().join("controls")).unwrap();
    assert!(refused(&folder).contains("the profile is empty: there is no controls/*.lua"));

    let folder = directory(&[("controls/c.lua", b"-- x\n-- \xe4")]);
    assert!(refused(&folder).starts_with("PROFILE/controls/c.lua:2: is not UTF-8"));

    let folder = directory(&[("controls/c.Lua", b"")]);
    assert!(refused(&folder).starts_with("PROFILE/controls/c.Lua: is not a Lua file"));

    let folder = directory(&[("profile.yml", b"name: x\nversion: 1\n")]);
    assert!(refused(&folder).starts_with("PROFILE/profile.yml:2:10: version \"1\" is no SemVer"));
}

#[test]
fn links_and_other_things_in_a_profile_are_refused() {
    for (link, target) in
        [("files/link", "/etc/passwd"), ("controls/l.lua", "b.lua"), ("libraries", "/etc"), ("README.md", "x")]
    {
        let folder = directory(&[]);
        std::os::unix::fs::symlink(target, folder.path().join(link)).unwrap();
        let error = refused(&folder);
        assert!(error.starts_with(&format!("PROFILE/{link}: is a symbolic link")), "{error}");
    }
    let folder = directory(&[]);
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("files/socket")).unwrap();
    assert!(refused(&folder).starts_with("PROFILE/files/socket: is not a regular file"));
}

#[test]
fn a_file_beyond_the_cap_is_refused() {
    let folder = directory(&[]);
    let file = fs::File::create(folder.path().join("files/big")).unwrap();
    file.set_len(layout::MAX_FILE + 1).unwrap();
    assert!(refused(&folder).starts_with("PROFILE/files/big: is larger than 16 MiB"));
}
