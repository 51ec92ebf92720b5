//! Archives as other programs see them: everything that is packed can be read by Python and `tar`, whatever its size.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use alo_artifacts::{ArchiveError, MemberTime, pack};
use alo_plan::ArchiveFormat::{self, TarGz, Zip};
use camino::{Utf8Path, Utf8PathBuf};

/// A folder whose files are longer than the pieces that are compressed at once, and shorter ones, and none.
fn folder() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
    let mut random = fastrand::Rng::with_seed(3);
    let noise: Vec<u8> = (0..3_500_000).map(|_| random.u8(..)).collect();
    let table: Vec<u8> =
        (0..150_000).flat_map(|row| format!("{row},{:.3}\n", random.f64()).into_bytes()).collect();
    let deep = format!("models/{}/{}", "깊은".repeat(20), "d".repeat(150));
    for (path, content) in [
        ("models/noise.bin", noise.as_slice()),
        ("models/table.csv", table.as_slice()),
        ("empty", b""),
        ("new\nline", b"odd name"),
        ("10:30 b", b"a name that Windows would not take"),
        (deep.as_str(), b"long name"),
    ] {
        let path = root.join("from").join(path);
        fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
        fs_err::write(path, content).expect("written");
    }
    for number in 0..300 {
        fs_err::write(root.join(format!("from/{number}.txt")), number.to_string()).expect("written");
    }
    let executable = std::fs::Permissions::from_mode(0o755);
    fs_err::set_permissions(root.join("from/7.txt"), executable).expect("set");
    fs_err::create_dir(root.join("from/nothing")).expect("created");
    (dir, root)
}

fn packed(root: &Utf8Path, name: &str, format: ArchiveFormat) -> Utf8PathBuf {
    let archive = root.join(name);
    pack(&root.join("from"), &archive, format, MemberTime::Kept, &|| false).expect("packed");
    archive
}

/// Runs a program that must succeed; false when the machine does not have it.
fn run(program: &str, arguments: &[&str]) -> bool {
    let Ok(output) = Command::new(program).args(arguments).output() else { return false };
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {error}");
    true
}

#[track_caller]
fn same_files(one: &Utf8Path, other: &Utf8Path) {
    let compare = "import filecmp, os, sys\n\
        def walk(root):\n\
        \x20   return sorted(os.path.relpath(os.path.join(at, name), root) for at, folders, files in os.walk(root)\n\
        \x20                 for name in folders + files)\n\
        one, other = sys.argv[1:]\n\
        names = walk(one)\n\
        assert names == walk(other), (names, walk(other))\n\
        files = [name for name in names if os.path.isfile(os.path.join(one, name))]\n\
        same, differ, failed = filecmp.cmpfiles(one, other, files, shallow=False)\n\
        assert len(same) == len(files), (differ, failed)\n";
    assert!(run("python3", &["-c", compare, one.as_str(), other.as_str()]), "no python3");
}

#[test]
fn python_reads_what_is_packed() {
    let (_dir, root) = folder();
    for (name, format, read) in [
        ("x.tar.gz", TarGz, "import sys, tarfile; tarfile.open(sys.argv[1]).extractall(sys.argv[2])"),
        (
            "x.stream.gz",
            TarGz,
            "import sys, tarfile; tarfile.open(sys.argv[1], 'r|gz').extractall(sys.argv[2])",
        ),
        (
            "x.zip",
            Zip,
            "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; \
             modes = {i.external_attr >> 16 for i in z.infolist() if not i.is_dir()}; \
             assert modes == {0o100644, 0o100755}, modes; \
             assert {i.create_system for i in z.infolist()} == {3}; z.extractall(sys.argv[2])",
        ),
    ] {
        let archive = packed(&root, name, format);
        let to = root.join(format!("{name}.d"));
        assert!(run("python3", &["-c", read, archive.as_str(), to.as_str()]), "no python3");
        same_files(&root.join("from"), &to);
    }
}

#[test]
fn tar_reads_what_is_packed() {
    let (_dir, root) = folder();
    let archive = packed(&root, "x.tar.gz", TarGz);
    let to = root.join("to");
    fs_err::create_dir(&to).expect("created");
    if run("tar", &["xzf", archive.as_str(), "-C", to.as_str()]) {
        same_files(&root.join("from"), &to);
    }
}

#[test]
fn every_archive_of_a_folder_has_the_same_bytes() {
    let (_dir, root) = folder();
    for format in [TarGz, Zip] {
        let bytes = |name| fs_err::read(packed(&root, name, format)).expect("read");
        assert!(bytes("1") == bytes("2"), "{format:?}");
    }
}

#[test]
fn packing_can_be_stopped_at_any_file_and_leaves_nothing() {
    let (_dir, root) = folder();
    for format in [TarGz, Zip] {
        for after in [0, 1, 40, 200] {
            let asked = std::cell::Cell::new(0);
            let stop = || asked.replace(asked.get() + 1) >= after;
            let error = pack(&root.join("from"), &root.join("x"), format, MemberTime::Kept, &stop);
            assert!(matches!(error, Err(ArchiveError::Cancelled)), "{format:?} after {after}: {error:?}");
            assert_eq!(fs_err::read_dir(&root).expect("listed").count(), 1);
        }
    }
}

#[test]
fn an_unreadable_file_is_named() {
    let (_dir, root) = folder();
    for format in [TarGz, Zip] {
        // A file that goes between listing and packing.
        let gone = root.join("from/models/table.csv");
        let content = fs_err::read(&gone).expect("read");
        let asked = std::cell::Cell::new(false);
        let remove = || {
            if !asked.replace(true) {
                fs_err::remove_file(&gone).expect("removed");
            }
            false
        };
        let error = pack(&root.join("from"), &root.join("x"), format, MemberTime::Kept, &remove);
        let error = error.expect_err("it is gone").to_string();
        assert_eq!(error, format!("read `{gone}`"), "{format:?}");
        assert!(!root.join("x").exists());
        fs_err::write(&gone, content).expect("written");
    }
}

#[test]
fn a_folder_for_the_archive_is_not_made() {
    let (_dir, root) = folder();
    let archive = root.join("nowhere/x.tar.gz");
    let error = pack(&root.join("from"), &archive, TarGz, MemberTime::Kept, &|| false).expect_err("refused");
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert!(!root.join("nowhere").exists());
}
