//! Archives and folders of people who mean harm, or whose disks do.

use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicBool, Ordering};

use alo_artifacts::{
    Limits, LoadError, ProjectLayout, TreeError, UnpackError, Unpacked, check_sources, load_data, unpack,
};
use alo_plan::Fetch;
use alo_plan::PipelineKind::Train;
use camino::{Utf8Path, Utf8PathBuf};
use flate2::Compression;
use flate2::write::GzEncoder;
use fs_err::os::unix::fs::symlink;
use tar::{EntryType, Header};

struct Place {
    _dir: tempfile::TempDir,
    root: Utf8PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
        Self { _dir: dir, root }
    }

    /// Writes an archive of whatever the function writes.
    fn archive(&self, write: impl FnOnce(&mut dyn Write)) -> Utf8PathBuf {
        let path = self.root.join("x.tar.gz");
        let mut out = GzEncoder::new(fs_err::File::create(&path).expect("created"), Compression::fast());
        write(&mut out);
        out.finish().expect("finished");
        path
    }

    fn unpack(&self, limits: &Limits) -> Result<Unpacked, UnpackError> {
        unpack(&self.root.join("x.tar.gz"), &self.root.join("to"), limits, &|| false)
    }

    /// Loads the folder `nas/data` into the project.
    fn load(&self) -> Result<alo_artifacts::LoadedData, LoadError> {
        let layout = ProjectLayout::new(self.root.join("project"));
        fs_err::create_dir_all(layout.root()).expect("created");
        let sources =
            check_sources(&[], &[self.data().to_string()], &alo_artifacts::S3Access::default(), &|| false)?;
        load_data(&layout, Train, &sources, Fetch::Every, &|| false, &mut |_| {})
    }

    fn data(&self) -> Utf8PathBuf {
        self.root.join("nas/data")
    }

    fn put(&self, path: &str, content: &str) {
        let path = self.data().join(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs_err::write(path, content).expect("written");
    }

    fn copied(&self, path: &str) -> String {
        fs_err::read_to_string(self.root.join("project/input/train/data").join(path)).expect("copied")
    }
}

fn header(name: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

#[test]
fn a_million_members_stop_at_the_limit() {
    let place = Place::new();
    let thousand = header(b"d/", EntryType::Directory, 0).as_bytes().repeat(1000);
    place.archive(|out| (0..1000).for_each(|_| out.write_all(&thousand).expect("written")));
    let error = place.unpack(&Limits::default()).expect_err("too many");
    assert!(error.to_string().contains("100000 members"), "{error}");
}

#[test]
fn a_bomb_stops_at_the_limit_before_it_is_on_the_disk() {
    let place = Place::new();
    let size = 64 << 20;
    place.archive(|out| {
        out.write_all(header(b"bomb", EntryType::Regular, size).as_bytes()).expect("written");
        io::copy(&mut io::Read::take(io::repeat(0), size), out).expect("written");
    });
    assert!(fs_err::metadata(place.root.join("x.tar.gz")).expect("there").len() < size / 100);
    let limits = Limits { bytes: 1 << 20, ..Limits::default() };
    let error = place.unpack(&limits).expect_err("too big");
    assert!(matches!(error, UnpackError::TooBig { .. }), "{error}");
    assert!(!place.root.join("to/bomb").exists());
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_written() {
    for size in [u64::MAX, u64::MAX / 2, 1 << 62, 8_589_934_591] {
        let place = Place::new();
        place.archive(|out| {
            out.write_all(header(b"huge", EntryType::Regular, size).as_bytes()).expect("written");
        });
        let error = place.unpack(&Limits { bytes: 1 << 30, ..Limits::default() }).expect_err("refused");
        assert!(matches!(error, UnpackError::TooBig { .. } | UnpackError::Damaged { .. }), "{size}: {error}");
        assert!(!place.root.join("to/huge").exists(), "{size}");
    }
}

#[test]
fn an_archive_cut_anywhere_is_damaged() {
    let place = Place::new();
    let path = place.archive(|out| {
        for name in [&b"a"[..], b"b", b"c"] {
            out.write_all(header(name, EntryType::Regular, 512).as_bytes()).expect("written");
            out.write_all(&[7; 512]).expect("written");
        }
        out.write_all(&[0; 1024]).expect("written");
    });
    let whole = fs_err::read(&path).expect("read");
    for length in 0..whole.len() {
        fs_err::write(&path, &whole[..length]).expect("written");
        let error = place.unpack(&Limits::default()).expect_err("cut");
        assert!(matches!(error, UnpackError::Damaged { .. }), "{length} of {}: {error}", whole.len());
    }
}

#[test]
fn a_name_that_comes_twice_means_its_last_content_and_odd_names_are_kept() {
    let place = Place::new();
    place.archive(|out| {
        for (name, content) in [(&b"twice"[..], b'1'), (b"new\nline", b'n'), (b"twice", b'2')] {
            out.write_all(header(name, EntryType::Regular, 1).as_bytes()).expect("written");
            let mut block = [0; 512];
            block[0] = content;
            out.write_all(&block).expect("written");
        }
        out.write_all(&[0; 1024]).expect("written");
    });
    place.unpack(&Limits::default()).expect("unpacked");
    let read = |name| fs_err::read_to_string(place.root.join("to").join(name)).expect("read");
    assert_eq!((read("twice"), read("new\nline")), ("2".to_owned(), "n".to_owned()));
}

#[test]
fn a_member_that_is_first_a_file_and_then_a_folder_is_an_error() {
    let place = Place::new();
    place.archive(|out| {
        for name in [&b"a"[..], b"a/b"] {
            out.write_all(header(name, EntryType::Regular, 0).as_bytes()).expect("written");
        }
        out.write_all(&[0; 1024]).expect("written");
    });
    place.unpack(&Limits::default()).expect_err("`a` is a file");
}

#[test]
fn links_in_circles_and_out_are_named() {
    type Make = fn(&Place);
    let cases: [(&str, Make); 5] = [
        ("itself", |place| symlink("itself", place.data().join("itself")).expect("linked")),
        ("up", |place| symlink("..", place.data().join("deep/up")).expect("linked")),
        ("one", |place| {
            symlink("two", place.data().join("one")).expect("linked");
            symlink("one", place.data().join("two")).expect("linked");
        }),
        ("out", |place| symlink(&place.root, place.data().join("out")).expect("linked")),
        ("sly", |place| symlink("deep/../../secret", place.data().join("sly")).expect("linked")),
    ];
    for (name, make) in cases {
        let place = Place::new();
        place.put("deep/file", "x");
        fs_err::write(place.root.join("nas/secret"), "secret").expect("written");
        make(&place);
        let error = place.load().expect_err(name);
        assert!(matches!(error, LoadError::Tree(_)), "{name}: {error}");
        assert!(error.to_string().contains("link") && error.hint().is_some(), "{name}: {error}");
        assert!(!place.root.join("project/input/train/data").exists(), "{name}: nothing is copied");
    }
}

#[test]
fn odd_names_are_copied_and_other_encodings_named() {
    let place = Place::new();
    for name in ["new\nline", "tab\there", " ", "-rf", "\u{202e}gnp", "é", "e\u{301}", "*", "'\"\\"] {
        place.put(name, name);
    }
    assert_eq!(place.load().expect("loaded").files, 9);
    assert_eq!(place.copied("new\nline"), "new\nline");
    let odd = place.data().as_std_path().join(std::ffi::OsStr::from_bytes(b"\xb0\xa1.csv"));
    fs_err::write(odd, "").expect("written");
    let error = place.load().expect_err("no UTF-8");
    assert!(matches!(&error, LoadError::Tree(TreeError::Name { .. })) && error.hint().is_some(), "{error}");
}

#[test]
fn folders_nested_too_deep_are_refused_and_deep_ones_copied() {
    let place = Place::new();
    let deep = "d/".repeat(120);
    place.put(&format!("{deep}file"), "deep");
    place.load().expect("loaded");
    assert_eq!(place.copied(&format!("{deep}file")), "deep");
    place.put(&format!("{}file", "d/".repeat(200)), "too deep");
    let error = place.load().expect_err("too deep");
    assert!(matches!(error, LoadError::Tree(TreeError::TooBig { .. })), "{error}");
    assert_eq!(place.copied(&format!("{deep}file")), "deep", "what was there stays");
}

#[test]
fn a_socket_is_refused() {
    let place = Place::new();
    place.put("file", "x");
    let _socket = std::os::unix::net::UnixListener::bind(place.data().join("socket")).expect("bound");
    let error = place.load().expect_err("refused");
    assert!(error.to_string().contains("is a socket"), "{error}");
}

#[test]
fn files_replaced_while_they_are_copied_are_copied_whole() {
    let place = Place::new();
    let content = |letter: u8| vec![letter; 1_500_000];
    fs_err::create_dir_all(place.data()).expect("created");
    fs_err::write(place.data().join("file"), content(b'a')).expect("written");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for letter in (b'a'..=b'z').cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                fs_err::write(place.root.join("nas/next"), content(letter)).expect("written");
                fs_err::rename(place.root.join("nas/next"), place.data().join("file")).expect("renamed");
            }
        });
        for _ in 0..30 {
            match place.load() {
                Ok(_) => {
                    let copy = fs_err::read(place.root.join("project/input/train/data/file")).expect("read");
                    let whole = copy.len() == 1_500_000 && copy.iter().all(|letter| *letter == copy[0]);
                    assert!(whole, "a mixture");
                }
                // Replacing a file changes it: who is asked too often says so.
                Err(error) => assert!(error.to_string().contains("data/file"), "{error}"),
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

#[test]
fn files_that_vanish_while_they_are_copied_are_named_and_the_next_load_is_right() {
    let place = Place::new();
    for number in 0..50 {
        place.put(&number.to_string(), "kept");
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                place.put("comes/and/goes", "x");
                fs_err::remove_dir_all(place.data().join("comes")).expect("removed");
            }
        });
        for _ in 0..30 {
            if let Err(error) = place.load() {
                assert!(error.to_string().contains("comes"), "{error}");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(place.load().expect("loaded").files, 50);
    assert!((0..50).all(|number| place.copied(&number.to_string()) == "kept"));
    assert!(!place.root.join("project/input/train/data/comes").exists());
}
