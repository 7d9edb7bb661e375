use super::*;
use age::secrecy::{ExposeSecret, SecretString};
use std::os::unix::fs::symlink;

struct Fixture {
    folder: tempfile::TempDir,
    identity: age::x25519::Identity,
}

impl Fixture {
    /// A bag `db` with a plain and an encrypted item.
    fn new() -> Fixture {
        let fixture = Fixture { folder: tempfile::tempdir().unwrap(), identity: age::x25519::Identity::generate() };
        fixture.write("db/main.yml", b"host: db1\nport: 5432\n");
        fixture.write("db/secret.yml.age", &fixture.encrypted(b"password: hunter2hunter2\nusers: [{name: al}]\n"));
        fixture
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    fn encrypted(&self, content: &[u8]) -> Vec<u8> {
        age::encrypt(&self.identity.to_public(), content).unwrap()
    }

    fn keys(&self, text: &str) -> Result<Keys, Error> {
        let text = text.to_string();
        Keys::read(&[KeySource::Variable("KEY".into())], None, &|_| Some(text.clone().into()))
    }

    fn own_keys(&self) -> Keys {
        let text = self.identity.to_string();
        self.keys(&format!("# created: today\n{}\n", text.expose_secret())).unwrap()
    }

    fn bags(&self) -> Bags {
        Bags::new(Some(self.folder.path().to_path_buf()), self.own_keys())
    }

    fn fault(&self, bag: &str, item: &str) -> String {
        let error = self.bags().item(Path::new("."), bag, item).map(|_| ()).unwrap_err().to_string();
        error
            .replace(&format!("{}/", self.folder.path().display()), "")
            .replace(&self.folder.path().display().to_string(), "FOLDER")
    }
}

fn passphrase(text: &str) -> Keys {
    let text = text.to_string();
    Keys::read(&[], Some(&KeySource::Variable("PASS".into())), &|_| Some(text.clone().into())).unwrap()
}

#[test]
fn an_item_is_what_its_file_says_and_what_was_encrypted_is_secret() {
    let fixture = Fixture::new();
    let bags = fixture.bags();
    let plain = bags.item(Path::new("."), "db", "main").unwrap();
    assert_eq!(plain.value.to_json(), serde_json::json!({ "host": "db1", "port": 5432 }));
    assert!(!plain.is_secret && plain.secrets().is_empty());
    let secret = bags.item(Path::new("."), "db", "secret").unwrap();
    assert!(secret.is_secret);
    assert_eq!(secret.secrets(), ["hunter2hunter2", "al"]);
    // What is read is kept.
    fixture.write("db/main.yml", b"host: other\n");
    assert_eq!(bags.item(Path::new("."), "db", "main").unwrap().value, plain.value);
    assert!(!format!("{bags:?}").contains("hunter2"));
}

#[test]
fn bags_are_beside_the_file_that_asks() {
    let fixture = Fixture::new();
    fixture.write("data_bags/web/a.json", b"{\"x\": 1}");
    let bags = Bags::new(None, Keys::default());
    assert_eq!(bags.item(fixture.folder.path(), "web", "a").unwrap().value.to_json()["x"], 1);
    let error = bags.item(Path::new("/nonexistent"), "web", "a").map(|_| ()).unwrap_err();
    assert!(error.to_string().contains("/nonexistent/data_bags is not there") && error.to_string().contains("--bags"));
}

#[test]
fn what_is_not_there_is_told_with_the_nearest() {
    let fixture = Fixture::new();
    assert_eq!(fixture.fault("dbb", "main"), "there is no bag dbb in FOLDER\n  hint: did you mean db?");
    assert_eq!(fixture.fault("db", "secrte"), "bag db in FOLDER has no item secrte\n  hint: did you mean secret?");
    fixture.write("db/main.json", b"{}");
    assert!(fixture.fault("db", "main").starts_with("item main of bag db is there twice: db/main.yml, db/main.json"));
    fixture.write("db/folder.yml/x", b"");
    assert!(fixture.fault("db", "folder").contains("is no plain file"));
    fixture.write("file", b"");
    assert!(fixture.fault("file", "x").contains("is no folder"));
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let fixture = Fixture::new();
    fixture.write("outside.yml", b"a: 1\n");
    for name in ["..", ".", "../db", "/etc", "a/b", "", ".hidden", "a\0b", &"a".repeat(200), "$HOME", "a b"] {
        assert!(fixture.fault(name, "main").contains("is not the name of a bag"), "{name}");
        assert!(fixture.fault("db", name).contains("is not the name of an item"), "{name}");
    }
    symlink("../outside.yml", fixture.folder.path().join("db/link.yml")).unwrap();
    symlink("/nonexistent", fixture.folder.path().join("db/dangling.json.age")).unwrap();
    symlink("db", fixture.folder.path().join("linked")).unwrap();
    for (bag, item) in [("db", "link"), ("db", "dangling"), ("linked", "main")] {
        assert!(fixture.fault(bag, item).contains("is a symbolic link"), "{bag} {item}");
    }
}

#[test]
fn an_item_that_cannot_be_read_says_where_and_shows_no_secret() {
    let fixture = Fixture::new();
    fixture.write("db/broken.yml", b"a: 1\nb: [\n");
    assert!(
        fixture.fault("db", "broken").starts_with("db/broken.yml:3:1: is not YAML"),
        "{}",
        fixture.fault("db", "broken")
    );
    fixture.write("db/latin.yml", b"a: \xff\n");
    assert!(fixture.fault("db", "latin").starts_with("db/latin.yml:1:4: byte 0xff is not UTF-8"));
    fixture.write("db/huge.yml", &vec![b' '; yaml::MAX_BYTES + 1]);
    assert!(fixture.fault("db", "huge").contains("is larger than"));
    fixture.write("db/odd.yml.age", &fixture.encrypted(b"a: 1\nhunter2: [hunter2\n"));
    let fault = fixture.fault("db", "odd");
    assert!(fault.starts_with("db/odd.yml.age:3:1: what is encrypted") && !fault.contains("hunter2"), "{fault}");
    fixture.write("db/twice.yml.age", &fixture.encrypted(b"hunter2: 1\nhunter2: 2\n"));
    assert!(!fixture.fault("db", "twice").contains("hunter2"));
}

#[test]
fn only_the_right_key_opens_a_whole_file() {
    let fixture = Fixture::new();
    let content = fixture.encrypted(b"password: hunter2\n");
    let other = age::x25519::Identity::generate();
    let other = fixture.keys(other.to_string().expose_secret()).unwrap();
    assert!(other.decrypt(&content).unwrap_err().message.contains("another key"));
    assert!(Keys::default().decrypt(&content).unwrap_err().to_string().contains("--bag-key FILE"));
    let own = fixture.own_keys();
    assert_eq!(own.decrypt(&content).unwrap(), b"password: hunter2\n");
    for end in (0..content.len()).step_by(9) {
        assert!(own.decrypt(&content[..end]).is_err(), "cut off at {end}");
    }
    for at in (0..content.len()).step_by(5) {
        let mut changed = content.clone();
        changed[at] ^= 1;
        assert!(own.decrypt(&changed).is_err(), "changed at {at}");
    }
    assert!(own.decrypt(b"password: hunter2\n").unwrap_err().message.contains("no file of age"));
    let armoured = age::encrypt_and_armor(&fixture.identity.to_public(), b"a: 1\n").unwrap();
    assert_eq!(own.decrypt(armoured.as_bytes()).unwrap(), b"a: 1\n");
    assert!(own.decrypt(&armoured.as_bytes()[..armoured.len() / 2]).is_err());
    let large = fixture.encrypted(&vec![b' '; yaml::MAX_BYTES + 1]);
    assert!(own.decrypt(&large).unwrap_err().message.contains("holds more than"));
}

#[test]
fn a_passphrase_opens_items_and_identities() {
    let fixture = Fixture::new();
    let mut recipient = age::scrypt::Recipient::new(SecretString::from("swordfish".to_string()));
    recipient.set_work_factor(4);
    let content = age::encrypt(&recipient, b"a: 1\n").unwrap();
    assert_eq!(passphrase("swordfish").decrypt(&content).unwrap(), b"a: 1\n");
    assert!(passphrase("wrong").decrypt(&content).unwrap_err().message.contains("another key or passphrase"));
    assert!(fixture.own_keys().decrypt(&content).unwrap_err().to_string().contains("--bag-passphrase-file FILE"));

    let text = fixture.identity.to_string();
    let locked = age::encrypt_and_armor(&recipient, text.expose_secret().as_bytes()).unwrap();
    let read = |passphrase: &str| {
        let (locked, passphrase) = (locked.clone(), passphrase.to_string());
        let environment =
            move |name: &str| Some(if name == "KEY" { locked.clone() } else { passphrase.clone() }.into());
        Keys::read(&[KeySource::Variable("KEY".into())], Some(&KeySource::Variable("PASS".into())), &environment)
    };
    assert_eq!(read("swordfish").unwrap().decrypt(&fixture.encrypted(b"b: 2\n")).unwrap(), b"b: 2\n");
    let error = read("wrong").map(|_| ()).unwrap_err();
    assert!(error.message.contains("KEY: is encrypted for another"), "{error}");

    // Only the header is looked at: nobody does that much work for a stranger.
    let mut costly = content.clone();
    let at = costly.windows(3).position(|bytes| bytes == b" 4\n").unwrap();
    costly.splice(at..at + 3, *b" 40\n");
    assert!(passphrase("swordfish").decrypt(&costly).is_err());
}

#[test]
fn what_is_no_identity_is_told_without_showing_it() {
    let fixture = Fixture::new();
    for text in ["hunter2", "# nothing\n", "AGE-SECRET-KEY-1QQQ", "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2"] {
        let error = fixture.keys(text).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("is no identity of age") && !error.contains("hunter2"), "{error}");
    }
    assert!(fixture.keys("  \n").map(|_| ()).unwrap_err().message.contains("is empty"));
    let missing = Keys::read(&[KeySource::File("/nonexistent".into())], None, &|_| None).map(|_| ()).unwrap_err();
    assert!(missing.message.starts_with("--bag-key: /nonexistent cannot be read"), "{missing}");
    let unset = Keys::read(&[KeySource::Variable("KEY".into())], None, &|_| None).map(|_| ()).unwrap_err();
    assert_eq!(unset.message, "--bag-key-env: KEY: the environment variable is not set");
}
