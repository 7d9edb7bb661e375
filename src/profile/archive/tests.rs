use super::*;
use crate::profile::tests::directory;
use crate::profile::{Files, Profile, sha256};
use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use proptest::prelude::*;
use std::io::{Read, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn controls() -> Vec<IndexedControl> {
    vec![
        IndexedControl { id: "a".to_string(), title: Some("A".to_string()) },
        IndexedControl { id: "9.10".to_string(), title: None },
    ]
}

fn packed() -> Vec<u8> {
    pack(&Profile::load(directory(&[]).path()).unwrap(), &controls()).unwrap()
}

fn unpack(bytes: &[u8]) -> Result<(Files, Index), String> {
    read::unpack(Path::new("x.tar.gz"), bytes).map_err(|error| error.to_string())
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
    gzip.write_all(tar).unwrap();
    gzip.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut tar).unwrap();
    tar
}

/// One entry of a tar file with any name, which `tar::Builder` would refuse to write.
fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// An index of the files as it should be.
fn index(files: &[(&str, &[u8])]) -> serde_json::Value {
    let files: IndexMap<&str, String> = files.iter().map(|(path, bytes)| (*path, sha256(bytes))).collect();
    serde_json::json!({
        "format": "probity/archive", "version": 1, "profile": {"name": "x", "version": "1.0.0"},
        "sha256": "", "controls": [], "files": files,
    })
}

const MANIFEST: &[u8] = b"name: x\nversion: 1.0.0\n";
const FILES: [(&str, &[u8]); 2] = [("profile.yml", MANIFEST), ("controls/a.lua", b"--")];

/// An archive with the right index, and `more` entries.
fn forged(index: &serde_json::Value, more: &[Vec<u8>]) -> Vec<u8> {
    let mut tar = entry("x-1.0.0/probity.json", b'0', index.to_string().as_bytes());
    tar.extend(entry("x-1.0.0/profile.yml", b'0', MANIFEST));
    tar.extend(entry("x-1.0.0/controls/a.lua", b'0', b"--"));
    more.iter().for_each(|entry| tar.extend(entry));
    tar.extend([0; 1024]);
    gzip(&tar)
}

#[test]
fn an_archive_is_the_same_profile_as_its_directory() {
    let folder = directory(&[(&format!("files/{}/{}", "d".repeat(90), "f".repeat(90)), b"long path")]);
    let profile = Profile::load(folder.path()).unwrap();
    assert_eq!(file_name(&profile.manifest), "x-1.0.0.tar.gz");
    let path = folder.path().join(file_name(&profile.manifest));
    write(&profile, &controls(), &path, false).unwrap();
    let again = Profile::load(&path).unwrap();
    assert_eq!(again.files(), profile.files());
    assert_eq!(again.sha256(), profile.sha256());
    assert_eq!(again.path_of("controls/b.lua"), path.join("controls/b.lua"));
    // Packed from the archive, and from the directory that now holds it: the same bytes.
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(pack(&again, &controls()).unwrap(), bytes);
    assert_eq!(pack(&Profile::load(folder.path()).unwrap(), &controls()).unwrap(), bytes);
}

#[test]
fn the_bytes_depend_on_the_content_alone() {
    let first = directory(&[]);
    let second = directory(&[]);
    let file = second.path().join("controls/b.lua");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::File::open(&file).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let [first, second] =
        [first, second].map(|folder| pack(&Profile::load(folder.path()).unwrap(), &controls()).unwrap());
    assert_eq!(first, second);
    assert_eq!(&first[..10], b"\x1f\x8b\x08\0\0\0\0\0\x02\xff");
}

#[test]
fn the_index_lists_controls_and_digests() {
    let (_, index) = unpack(&packed()).unwrap();
    assert_eq!(index.controls, controls());
    assert_eq!(index.files["profile.yml"], sha256(MANIFEST));
    assert_eq!(
        index.files.keys().collect::<Vec<_>>(),
        ["controls/a/z.lua", "controls/b.lua", "files/motd", "profile.yml"]
    );
}

#[test]
fn an_existing_file_is_overwritten_only_when_told() {
    let folder = directory(&[]);
    let profile = Profile::load(folder.path()).unwrap();
    let path = folder.path().join("x.tar.gz");
    std::fs::write(&path, "mine").unwrap();
    let error = write(&profile, &[], &path, false).unwrap_err().to_string();
    assert!(error.contains("x.tar.gz: is there already\n  hint: give --overwrite"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    write(&profile, &[], &path, true).unwrap();
    assert!(Profile::load(&path).is_ok());
    let error = write(&profile, &[], &folder.path().join("nowhere/x.tar.gz"), false).unwrap_err().to_string();
    assert!(error.contains("nowhere/x.tar.gz: cannot be written"), "{error}");
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".probity"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn entries_that_do_harm_are_refused_by_name() {
    assert!(unpack(&forged(&index(&FILES), &[])).is_ok());
    let cases = [
        (entry("../x", b'0', b""), "x.tar.gz: entry ../x leads out of the archive with .."),
        (entry("x-1.0.0/files/../../x", b'0', b""), "leads out of the archive with .."),
        (entry("/etc/passwd", b'0', b""), "entry /etc/passwd has an absolute path"),
        (entry("x-1.0.0//files/x", b'0', b""), "has a path that is not plain"),
        (entry("x-1.0.0/files/x", b'1', b""), "entry x-1.0.0/files/x is a hard link"),
        (entry("x-1.0.0/files/x", b'2', b""), "entry x-1.0.0/files/x is a symbolic link"),
        (entry("x-1.0.0/files/x", b'3', b""), "is a device"),
        (entry("x-1.0.0/files/x", b'4', b""), "is a device"),
        (entry("x-1.0.0/files/x", b'5', b""), "is a directory"),
        (entry("x-1.0.0/files/x", b'6', b""), "is a named pipe"),
        (entry("x-1.0.0/files/x", b'7', b""), "is no regular file"),
        (entry("x-1.0.0/files/x", b'0', b""), "entry x-1.0.0/files/x is not in the archive's index"),
        (entry("x-1.0.0/profile.yml", b'0', MANIFEST), "entry x-1.0.0/profile.yml is there twice"),
        (entry("x-1.0.0/probity.json", b'0', b"{}"), "entry x-1.0.0/probity.json is there twice"),
        (entry("y-1.0.0/files/x", b'0', b""), "lies outside the archive's folder x-1.0.0"),
        (entry("x-1.0.0/setup.sh", b'0', b""), "is no part of a profile"),
        (entry("x-1.0.0/controls/.x.lua", b'0', b""), "is no part of a profile"),
        (entry("x-1.0.0/controls/x.txt", b'0', b""), "is not a Lua file"),
        (entry("x-1.0.0/files/\x1b[2J", b'0', b""), "entry x-1.0.0/files/\\u{1b}[2J has a control character"),
    ];
    for (more, message) in cases {
        let error = unpack(&forged(&index(&FILES), &[more])).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn an_index_that_is_not_that_of_the_files_is_refused() {
    let changed: [(&str, &[u8]); 2] = [("profile.yml", MANIFEST), ("controls/a.lua", b"-- other")];
    let error = unpack(&forged(&index(&changed), &[])).unwrap_err();
    assert!(error.contains("entry x-1.0.0/controls/a.lua was changed after the index was written"), "{error}");

    let more: [(&str, &[u8]); 3] = [FILES[0], FILES[1], ("controls/b.lua", b"")];
    let error = unpack(&forged(&index(&more), &[])).unwrap_err();
    assert!(error.contains("entry controls/b.lua is in the archive's index, but not in the archive"), "{error}");

    let cases = [
        ("version", serde_json::json!(2), "format probity/archive version 2; this Probity reads version 1"),
        ("format", serde_json::json!("probity/events"), "has format \"probity/events\", not \"probity/archive\""),
        ("profile", serde_json::json!({"name": "y", "version": "1.0.0"}), "is the index of y-1.0.0, but lies in"),
        ("files", serde_json::json!({}), "lists no profile.yml"),
        ("files", serde_json::json!([]), "is no index of an archive"),
    ];
    for (key, value, message) in cases {
        let mut index = index(&FILES);
        index[key] = value;
        let error = unpack(&forged(&index, &[])).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
    }

    // A field this version does not know is no harm.
    let mut newer = index(&FILES);
    newer["later"] = serde_json::json!({});
    assert!(unpack(&forged(&newer, &[])).is_ok());

    // The digest of the whole is compared once the profile is made.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.tar.gz");
    std::fs::write(&path, forged(&index(&FILES), &[])).unwrap();
    let error = Profile::load(&path).unwrap_err().to_string();
    assert!(error.contains("its index is not that of its files"), "{error}");
}

#[test]
fn what_is_no_archive_is_refused() {
    let cases: [(Vec<u8>, &str); 6] = [
        (Vec::new(), "x.tar.gz: is empty"),
        (b"PK\x03\x04".to_vec(), "is not gzip"),
        (gzip(b""), "is cut short"),
        (gzip(&[0; 1024]), "does not begin with probity.json"),
        (gzip(&[entry("inspec.yml", b'0', b""), vec![0; 1024]].concat()), "InSpec"),
        (gzip(&[entry("x/README.md", b'0', b""), vec![0; 1024]].concat()), "does not begin with probity.json"),
    ];
    for (bytes, message) in cases {
        let error = unpack(&bytes).unwrap_err();
        assert!(error.contains(message), "{message}: {error}");
    }
}

#[test]
fn bytes_after_the_end_are_refused() {
    let error = unpack(&[packed(), b"x".to_vec()].concat()).unwrap_err();
    assert!(error.contains("has 1 bytes after its end"), "{error}");
    // A second gzip member too, which gunzip(1) would append.
    let error = unpack(&[packed(), gzip(b"x")].concat()).unwrap_err();
    assert!(error.contains("bytes after its end"), "{error}");
    let error = unpack(&gzip(&[gunzip(&packed()), entry("x", b'0', b"")].concat())).unwrap_err();
    assert!(error.contains("bytes after the end of its files"), "{error}");
}

#[test]
fn every_cut_is_an_error() {
    let whole = packed();
    for end in 0..whole.len() {
        assert!(unpack(&whole[..end]).is_err(), "{end}");
    }
    let tar = gunzip(&whole);
    for end in (0..tar.len()).step_by(61).chain((0..tar.len()).step_by(512)) {
        assert!(unpack(&gzip(&tar[..end])).is_err(), "{end} of the tar file");
    }
}

#[test]
fn a_flipped_bit_never_changes_the_files_unseen() {
    let whole = packed();
    let (files, _) = unpack(&whole).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        // In the gzip header (time, system) and in the bits that pad deflate's last byte a
        // flip does no harm; anywhere else it is seen.
        if let Ok((flipped, _)) = unpack(&bytes) {
            assert_eq!(flipped, files, "{at}");
        }
    }
    let tar = gunzip(&whole);
    for at in (0..tar.len()).step_by(3) {
        let mut bytes = tar.clone();
        bytes[at] ^= 1 << (at % 8);
        if let Ok((flipped, _)) = unpack(&gzip(&bytes)) {
            assert_eq!(flipped, files, "{at} of the tar file");
        }
    }
}

#[test]
fn a_bomb_is_stopped_early() {
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
    let block = vec![0; 1 << 20];
    for _ in 0..256 {
        gzip.write_all(&block).unwrap();
    }
    let bomb = gzip.finish().unwrap();
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    let started = std::time::Instant::now();
    let error = unpack(&bomb).unwrap_err();
    assert!(error.contains("unpacks to more than"), "{error}");
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    // A file of 5 MiB of zeros grows by more than 200, and is no profile either.
    let zeros = vec![0; 5 << 20];
    let files: [(&str, &[u8]); 3] = [FILES[0], FILES[1], ("files/x", &zeros)];
    let error = unpack(&forged(&index(&files), &[entry("x-1.0.0/files/x", b'0', &zeros)])).unwrap_err();
    assert!(error.contains("200 times its size"), "{error}");
}

#[test]
fn an_archive_that_could_not_be_read_is_not_written() {
    let folder = directory(&[("files/zeros", &vec![0; 5 << 20])]);
    let path = folder.path().join("x.tar.gz");
    let error = write(&Profile::load(folder.path()).unwrap(), &[], &path, false).unwrap_err().to_string();
    assert!(error.contains("200 times its size"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_size_beyond_the_end_is_refused() {
    for size in [1 << 20, u64::MAX, u64::MAX - 511, 1 << 40] {
        let mut header = tar::Header::new_gnu();
        header.set_path("x-1.0.0/files/x").unwrap();
        header.set_size(size);
        header.set_cksum();
        assert!(unpack(&forged(&index(&FILES), &[header.as_bytes().to_vec()])).is_err(), "{size}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_tar_file_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let _ = unpack(&gzip(&bytes));
        let _ = unpack(&bytes);
    }

    #[test]
    fn no_damage_makes_it_panic(damage in proptest::collection::vec((0usize..6000, any::<u8>()), 1..6)) {
        let mut tar = gunzip(&packed());
        for (at, byte) in damage {
            if let Some(place) = tar.get_mut(at) {
                *place = byte;
            }
        }
        let _ = unpack(&gzip(&tar));
    }
}
