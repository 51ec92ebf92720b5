//! Archives out and models in: members, names, reproducibility, and archives made to do harm.

use std::io::{Read, Write};

use alo_artifacts::{
    ArtifactLayout, EXTERNAL_MODEL, ExperimentalHistory, ExportError, Limits, MemberTime, ModelError,
    ModelSource, ProjectLayout, RunId, S3Access, UnpackError, export, pack, resolve_save_path, unpack,
};
use alo_plan::ArchiveFormat::{self, TarGz, Zip};
use alo_plan::PipelineKind::{Inference, Train};
use camino::{Utf8Path, Utf8PathBuf};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use fs_err::os::unix::fs::symlink;
use tar::{EntryType, Header};

fn temp() -> (tempfile::TempDir, Utf8PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let root = Utf8Path::from_path(dir.path()).expect("UTF-8").to_owned();
    (dir, root)
}

fn put(path: &Utf8Path, content: &str) {
    fs_err::create_dir_all(path.parent().expect("a parent")).expect("created");
    fs_err::write(path, content).expect("written");
}

fn tar_members(archive: &Utf8Path) -> Vec<String> {
    let file = fs_err::File::open(archive).expect("opened");
    let mut tar = tar::Archive::new(GzDecoder::new(file));
    let entries = tar.entries().expect("a tar");
    entries.map(|entry| entry.expect("an entry").path().expect("a path").display().to_string()).collect()
}

fn zip_members(archive: &Utf8Path) -> Vec<String> {
    let zip = zip::ZipArchive::new(fs_err::File::open(archive).expect("opened")).expect("a zip");
    zip.file_names().map(|name| name.expect("a name").into_owned()).collect()
}

fn artifacts(root: &Utf8Path) -> ArtifactLayout {
    let artifacts = ProjectLayout::new(root.join("project")).artifacts(Train);
    artifacts.create_all(Train).expect("created");
    put(&artifacts.model("train").join("m.pkl"), "weights");
    put(&artifacts.models().join("models/train/models/deep.pkl"), "deep");
    put(&artifacts.models().join("root.pkl"), "root");
    put(&artifacts.pipeline_log(), "said");
    put(&artifacts.process_log(), "done");
    artifacts
}

#[test]
fn training_is_exported_as_the_manual_says() {
    let (_dir, root) = temp();
    let artifacts = artifacts(&root);
    let to = root.join("save/here");
    put(&to.join("model.tar.gz"), "older");
    put(&to.join("notes.txt"), "mine");
    let exports = export(Train, &artifacts, &to.clone().into(), Zip, &|| false).expect("exported");
    let names: Vec<_> = exports.files.iter().filter_map(|file| file.path.file_name()).collect();
    assert_eq!(names, ["train_artifacts.tar.gz", "model.tar.gz", "process.log", "pipeline.log"]);
    assert!(exports.files.iter().all(|file| file.bytes == file.path.metadata().expect("there").len()));
    assert_eq!(
        tar_members(&to.join("train_artifacts.tar.gz")),
        [
            "extra_output/",
            "output/",
            "report/",
            "score/",
            "log/pipeline.log",
            "log/process.log",
            "models/models/train/models/deep.pkl",
            "models/root.pkl",
            "models/train/m.pkl",
        ]
    );
    assert_eq!(
        tar_members(&to.join("model.tar.gz")),
        ["models/train/models/deep.pkl", "root.pkl", "train/m.pkl"]
    );
    assert_eq!(fs_err::read_to_string(to.join("notes.txt")).expect("read"), "mine");
    assert_eq!(fs_err::read_dir(&to).expect("listed").count(), 5);
}

#[test]
fn inference_is_exported_in_the_format_of_the_plan_and_without_models() {
    let (_dir, root) = temp();
    let artifacts = ProjectLayout::new(root.clone()).artifacts(Inference);
    artifacts.create_all(Inference).expect("created");
    put(&artifacts.output().join("출력.csv"), "a,b");
    for (format, name) in [(TarGz, "inference_artifacts.tar.gz"), (Zip, "inference_artifacts.zip")] {
        let to = root.join(format!("save-{name}"));
        let exports = export(Inference, &artifacts, &to.clone().into(), format, &|| false).expect("exported");
        assert_eq!(exports.files.len(), 1);
        let archive = to.join(name);
        let members = if format == Zip { zip_members(&archive) } else { tar_members(&archive) };
        assert_eq!(members, ["extra_output/", "log/", "score/", "output/출력.csv"]);
    }
    let file = fs_err::File::open(root.join("save-inference_artifacts.zip/inference_artifacts.zip"))
        .expect("opened");
    let mut zip = zip::ZipArchive::new(file).expect("a zip");
    let mut content = String::new();
    zip.by_name("output/출력.csv").expect("there").read_to_string(&mut content).expect("read");
    assert_eq!(content, "a,b");
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
    let (_dir, root) = temp();
    let models = artifacts(&root).models();
    let packed = |name: &str, format: ArchiveFormat, time: MemberTime| {
        let archive = root.join(name);
        pack(&models, &archive, format, time, &|| false).expect("packed");
        fs_err::read(archive).expect("read")
    };
    for format in [TarGz, Zip] {
        assert_eq!(packed("1", format, MemberTime::Kept), packed("2", format, MemberTime::Kept));
        let fixed = MemberTime::Fixed("2026-01-31T12:00:00Z".parse().expect("a time"));
        let first = packed("3", format, fixed);
        let file = fs_err::OpenOptions::new().write(true).open(models.join("root.pkl")).expect("opened");
        file.file()
            .set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(999_999_999))
            .expect("set");
        assert_eq!(first, packed("4", format, fixed));
        assert_ne!(packed("5", format, MemberTime::Kept), first);
    }
}

#[test]
fn links_are_packed_as_what_they_lead_to_and_broken_ones_told() {
    let (_dir, root) = temp();
    let folder = root.join("a");
    put(&folder.join("m1"), "one");
    put(&root.join("far"), "far");
    symlink("m1", folder.join("latest")).expect("linked");
    symlink("../far", folder.join("out")).expect("linked");
    symlink("gone", folder.join("broken")).expect("linked");
    let packed = pack(&folder, &root.join("x.tar.gz"), TarGz, MemberTime::Kept, &|| false).expect("packed");
    assert_eq!((packed.files, packed.left_out), (3, vec!["`broken` is a broken link".to_owned()]));
    unpack(&root.join("x.tar.gz"), &root.join("b"), &Limits::default(), &|| false).expect("unpacked");
    assert_eq!(fs_err::read_to_string(root.join("b/latest")).expect("read"), "one");
}

#[test]
fn a_failed_export_leaves_the_old_archive() {
    let (_dir, root) = temp();
    let artifacts = artifacts(&root);
    let to = root.join("save");
    put(&to.join("train_artifacts.tar.gz"), "older");
    let stopped = export(Train, &artifacts, &to.clone().into(), TarGz, &|| true);
    assert!(matches!(stopped, Err(ExportError::Archive(_))));
    assert_eq!(fs_err::read_to_string(to.join("train_artifacts.tar.gz")).expect("read"), "older");
    assert_eq!(fs_err::read_dir(&to).expect("listed").count(), 1);
    put(&root.join("file"), "");
    assert!(export(Train, &artifacts, &root.join("file/x").into(), TarGz, &|| false).is_err());
}

#[test]
fn save_paths_are_checked_before_anything_runs() {
    let (_dir, root) = temp();
    let project = ProjectLayout::new(root.clone());
    let (bases, s3) = ([root.clone()], S3Access::default());
    assert_eq!(resolve_save_path("out/x/", &bases, &s3, &project).expect("fine"), root.join("out/x").into());
    let inside = resolve_save_path("train_artifacts/save", &bases, &s3, &project);
    assert!(matches!(inside, Err(ExportError::Inside { .. })));
    put(&root.join("file"), "");
    let file = resolve_save_path("file", &bases, &s3, &project).expect_err("no folder");
    assert!(matches!(&file, ExportError::NoFolder { .. }) && file.hint().is_some());
}

/// A member's name, kind, link target and content.
type Member<'a> = (&'a [u8], EntryType, &'a str, &'a [u8]);

/// Writes a `.tar.gz` of members that no honest program makes.
fn hostile(path: &Utf8Path, members: &[Member<'_>]) {
    let mut out = GzEncoder::new(fs_err::File::create(path).expect("created"), Compression::fast());
    for (name, kind, link, content) in members {
        let mut header = Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..name.len()].copy_from_slice(name);
        old.linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        out.write_all(header.as_bytes()).expect("written");
        out.write_all(content).expect("written");
        out.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).expect("written");
    }
    out.write_all(&[0; 1024]).expect("written");
    out.finish().expect("finished");
}

#[test]
fn hostile_members_are_refused_and_nothing_is_written_outside() {
    use EntryType::{Block, Char, Fifo, Link, Regular, Symlink};
    let deep = "d/".repeat(65) + "x";
    let cases: Vec<(&str, Vec<Member<'_>>)> = vec![
        ("absolute", vec![(b"/tmp/evil", Regular, "", b"x")]),
        ("`..`", vec![(b"../evil", Regular, "", b"x")]),
        ("`..`", vec![(b"a/../../evil", Regular, "", b"x")]),
        ("leads out", vec![(b"link", Symlink, "/etc", b"")]),
        ("leads out", vec![(b"link", Symlink, "../outside", b"")]),
        ("leads out", vec![(b"a/link", Symlink, "../../outside", b"")]),
        ("leads out", vec![(b"a/up", Symlink, "..", b""), (b"a/b/link", Symlink, "../up/../evil", b"")]),
        ("not in the archive", vec![(b"link", Link, "etc/passwd", b"")]),
        ("leads out", vec![(b"link", Link, "../outside", b"")]),
        ("leads out", vec![(b"link", Link, "/etc/passwd", b"")]),
        ("a device", vec![(b"dev", Char, "", b"")]),
        ("a device", vec![(b"dev", Block, "", b"")]),
        ("a pipe", vec![(b"pipe", Fifo, "", b"")]),
        ("no name", vec![(b"./", Regular, "", b"x")]),
        ("not UTF-8", vec![(b"\xb0\xa1", Regular, "", b"x")]),
        ("nested too deep", vec![(deep.as_bytes(), Regular, "", b"x")]),
    ];
    for (why, members) in cases {
        let (_dir, root) = temp();
        put(&root.join("outside"), "mine");
        let mut padded: Vec<Member<'_>> = vec![(b"good", Regular, "", b"good")];
        // Names longer than a header's field are cut: only the depth counts here.
        padded.extend(
            members.iter().map(|member| (&member.0[..member.0.len().min(100)], member.1, member.2, member.3)),
        );
        if why == "nested too deep" {
            let mut out = tar::Builder::new(GzEncoder::new(
                fs_err::File::create(root.join("x.tar.gz")).expect("created"),
                Compression::fast(),
            ));
            let mut header = Header::new_gnu();
            header.set_size(0);
            out.append_data(&mut header, &deep, std::io::empty()).expect("written");
            out.into_inner().expect("written").finish().expect("finished");
        } else {
            hostile(&root.join("x.tar.gz"), &padded);
        }
        let error = unpack(&root.join("x.tar.gz"), &root.join("to"), &Limits::default(), &|| false);
        let error = error.expect_err(why);
        assert!(matches!(error, UnpackError::Unsafe { .. }), "{why}: {error}");
        assert!(error.to_string().contains(why) && error.hint().is_some(), "{why}: {error}");
        assert_eq!(fs_err::read_to_string(root.join("outside")).expect("read"), "mine");
        assert_eq!(fs_err::read_dir(&root).expect("listed").count(), 3);
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    use EntryType::{Regular, Symlink};
    let (_dir, root) = temp();
    let archive = root.join("x.tar.gz");
    hostile(
        &archive,
        &[
            (b"real/", EntryType::Directory, "", b""),
            (b"link", Symlink, "real", b""),
            (b"link/x", Regular, "", b"x"),
        ],
    );
    unpack(&archive, &root.join("to"), &Limits::default(), &|| false).expect_err("a link where a folder is");
    assert!(!root.join("to/real/x").exists());
}

#[test]
fn honest_links_are_unpacked() {
    use EntryType::{Link, Regular, Symlink};
    let (_dir, root) = temp();
    let archive = root.join("x.tar.gz");
    hostile(
        &archive,
        &[
            (b"./a/m1", Regular, "", b"one"),
            (b"a/latest", Symlink, "m1", b""),
            (b"b/up", Symlink, "../a", b""),
            (b"hard", Link, "a/m1", b""),
        ],
    );
    let unpacked = unpack(&archive, &root.join("to"), &Limits::default(), &|| false).expect("unpacked");
    assert_eq!((unpacked.files, unpacked.bytes), (2, 6));
    for path in ["a/latest", "b/up/m1", "hard"] {
        assert_eq!(fs_err::read_to_string(root.join("to").join(path)).expect("read"), "one");
    }
}

#[test]
fn bombs_stop_at_the_limits() {
    let (_dir, root) = temp();
    let archive = root.join("x.tar.gz");
    let big = vec![0; 3 << 20];
    hostile(&archive, &[(b"a", EntryType::Regular, "", &big), (b"b", EntryType::Regular, "", &big)]);
    let limits = Limits { bytes: 5 << 20, ..Limits::default() };
    let error = unpack(&archive, &root.join("to"), &limits, &|| false).expect_err("too big");
    assert!(matches!(&error, UnpackError::TooBig { .. }) && error.hint().is_some(), "{error}");
    assert!(!root.join("to/b").exists());

    let many: Vec<Member<'_>> = vec![(b"same", EntryType::Regular, "", b""); 50];
    hostile(&archive, &many);
    let limits = Limits { entries: 49, ..Limits::default() };
    let error = unpack(&archive, &root.join("to2"), &limits, &|| false).expect_err("too many");
    assert!(error.to_string().contains("49 members"), "{error}");

    // A name of 3 MB would be read into memory.
    hostile(
        &archive,
        &[(b"././@LongLink", EntryType::GNULongName, "", &big), (b"a", EntryType::Regular, "", b"")],
    );
    let error = unpack(&archive, &root.join("to3"), &Limits::default(), &|| false).expect_err("too long");
    assert!(matches!(error, UnpackError::Damaged { .. }), "{error}");
}

#[test]
fn damaged_archives_are_told_from_good_ones() {
    let (_dir, root) = temp();
    let models = artifacts(&root).models();
    put(&models.join("big"), &"0123456789".repeat(100_000));
    let archive = root.join("x.tar.gz");
    pack(&models, &archive, TarGz, MemberTime::Kept, &|| false).expect("packed");
    let whole = fs_err::read(&archive).expect("read");
    let mut flipped = whole.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    for (name, bytes) in
        [("cut", &whole[..whole.len() / 2]), ("sum", &flipped), ("text", b"no archive"), ("none", b"")]
    {
        fs_err::write(&archive, bytes).expect("written");
        let error = unpack(&archive, &root.join(name), &Limits::default(), &|| false).expect_err(name);
        assert!(matches!(error, UnpackError::Damaged { .. }), "{name}: {error}");
    }
}

struct Models {
    _dir: tempfile::TempDir,
    root: Utf8PathBuf,
    layout: ProjectLayout,
}

impl Models {
    fn new() -> Self {
        let (dir, root) = temp();
        let layout = ProjectLayout::new(root.join("project"));
        put(&layout.artifacts(Train).model("train").join("m.pkl"), "previous");
        put(&layout.artifacts(Train).experimental_history(), "{\"id\": \"previous\"}");
        put(&root.join("folder/train/m.pkl"), "outside");
        let model = root.join("archived/model.tar.gz");
        fs_err::create_dir_all(root.join("archived")).expect("created");
        pack(&root.join("folder"), &model, TarGz, MemberTime::Kept, &|| false).expect("packed");
        Self { _dir: dir, root, layout }
    }

    fn load(&self, text: &str) -> Result<alo_artifacts::LoadedModel, ModelError> {
        let run = RunId::new(jiff::Timestamp::UNIX_EPOCH, 1, "x");
        let bases = std::slice::from_ref(&self.root);
        let source = ModelSource { text, bases, s3: &S3Access::default() };
        source.load(&self.layout, &run, &Limits::default(), &|| false)
    }

    fn current(&self) -> String {
        let model = self.layout.artifacts(Train).model("train").join("m.pkl");
        fs_err::read_to_string(model).expect("a model is there at any time")
    }

    fn train_id(&self) -> String {
        ExperimentalHistory::read(&self.layout.artifacts(Train).experimental_history()).expect("read").id
    }
}

#[test]
fn a_model_comes_from_an_archive_or_a_folder() {
    for text in ["folder", "folder/", "archived", "./archived/", "archived/model.tar.gz"] {
        let models = Models::new();
        let loaded = models.load(text).expect(text);
        assert_eq!((loaded.files, loaded.bytes, loaded.train_id.as_str()), (1, 7, EXTERNAL_MODEL));
        assert_eq!((models.current().as_str(), models.train_id().as_str()), ("outside", EXTERNAL_MODEL));
        assert_eq!(fs_err::read_dir(models.layout.staging()).expect("listed").count(), 0);
        assert!(models.root.join("folder/train/m.pkl").exists());
    }
}

#[test]
fn an_archive_that_holds_the_folder_models_means_its_content() {
    let models = Models::new();
    put(&models.root.join("old/models/train/m.pkl"), "old");
    put(&models.root.join("old/models/models/x"), "of a step called models");
    let archive = models.root.join("archived/model.tar.gz");
    pack(&models.root.join("old"), &archive, TarGz, MemberTime::Kept, &|| false).expect("packed");
    models.load("archived").expect("loaded");
    assert_eq!(models.current(), "old");
    assert!(models.layout.artifacts(Train).models().join("models/x").exists());
}

type Expected = fn(&ModelError) -> bool;

#[test]
fn a_bad_model_leaves_the_previous_one() {
    let models = Models::new();
    fs_err::create_dir_all(models.root.join("empty/folder")).expect("created");
    fs_err::create_dir_all(models.root.join("linked")).expect("created");
    symlink("/etc/passwd", models.root.join("linked/m")).expect("linked");
    hostile(
        &models.root.join("evil.tar.gz"),
        &[(b"good", EntryType::Regular, "", b"x"), (b"../e", EntryType::Regular, "", b"x")],
    );
    let circle: &[Member<'_>] = &[
        (b"good", EntryType::Regular, "", b"x"),
        (b"one", EntryType::Symlink, "two", b""),
        (b"two", EntryType::Symlink, "one", b""),
    ];
    hostile(&models.root.join("circle.tar.gz"), circle);
    put(&models.root.join("text.pkl"), "no archive");
    let in_archive = |error: &ModelError| {
        let text = error.to_string();
        text.contains("circle.tar.gz") && !text.contains("staging") && text.contains("leads")
    };
    let cases: [(&str, Expected); 8] = [
        ("circle.tar.gz", in_archive),
        ("nowhere", |error| matches!(error, ModelError::Missing { .. })),
        ("empty", |error| matches!(error, ModelError::Empty { .. })),
        ("linked", |error| matches!(error, ModelError::Tree(_))),
        ("evil.tar.gz", |error| matches!(error, ModelError::Unpack(UnpackError::Unsafe { .. }))),
        ("text.pkl", |error| matches!(error, ModelError::Unpack(UnpackError::Damaged { .. }))),
        ("s3://not a bucket/k", |error| matches!(error, ModelError::S3(_))),
        ("project/train_artifacts/models", |error| matches!(error, ModelError::Overlap { .. })),
    ];
    for (text, expected) in cases {
        let error = models.load(text).expect_err(text);
        assert!(expected(&error) && error.hint().is_some(), "{text}: {error}");
        assert_eq!((models.current().as_str(), models.train_id().as_str()), ("previous", "previous"));
    }
}
