//! The kinds of failure of an installer, by pip and by a real uv: the reason in the error, the installer's words in the log.

use alo_assets::SetupEvent;
use alo_plan::PipelineKind;

use crate::bench::{Bench, local, train};
use crate::real_uv::use_uv;
use crate::wheel::wheel_of;

const TRAIN: PipelineKind = PipelineKind::Train;

/// What a set-up of that requirement says, and whether the installer's own words are in the log and with the error.
fn failure(bench: &Bench, item: &str) -> (String, String) {
    bench.asset("train", &[("asset_train.py", "")]);
    let told = bench.set_up(&train([local("train", &[item])]), TRAIN);
    let logged = told.events.iter().any(|event| matches!(event, SetupEvent::InstallerOutput { .. }));
    assert!(logged, "{:?}", told.events);
    assert!(!told.outcome.as_ref().unwrap_err().output().is_empty());
    assert_eq!(bench.left_in_cache(), [""; 0]);
    told.failure()
}

/// The same wheel, for a Python or machine that is not this one.
fn foreign(bench: &Bench) {
    let wheels = bench.wheels();
    let built = wheel_of(&wheels, "foreign", "1.0", &[], &[("foreign.py", "")]);
    fs_err::rename(built, wheels.join("foreign-1.0-cp27-cp27m-win32.whl")).unwrap();
}

fn tells_the_three_kinds(bench: &mut Bench) {
    foreign(bench);
    let (message, hint) = failure(bench, "foreign==9");
    assert!(message.contains("there is no such package or version for this Python: "), "{message}");
    assert!(hint.contains("name and the version"), "{hint}");

    let (message, hint) = failure(bench, "./../wheels/foreign-1.0-cp27-cp27m-win32.whl");
    assert!(message.contains("a package is not made for this Python: "), "{message}");
    assert!(hint.contains("--python"), "{hint}");

    // Nobody listens on a port that has just been given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    bench.machine.variables.remove(std::ffi::OsStr::new("PIP_NO_INDEX"));
    for (name, value) in [
        ("PIP_INDEX_URL", format!("http://me:s3cret@127.0.0.1:{port}/simple")),
        // pip says why only where it tries again.
        ("PIP_RETRIES", "1".to_owned()),
        ("UV_HTTP_RETRIES", "0".to_owned()),
    ] {
        bench.machine.variables.insert(name.into(), value.into());
    }
    let (message, hint) = failure(bench, "absent==1");
    assert!(message.contains("the package index cannot be reached: "), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    assert!(hint.contains("proxy") && hint.contains("PIP_INDEX_URL"), "{hint}");
}

#[test]
fn no_such_version_no_wheel_and_no_network_by_pip() {
    tells_the_three_kinds(&mut Bench::new());
}

#[test]
fn no_such_version_no_wheel_and_no_network_by_uv() {
    let mut bench = Bench::new();
    if use_uv(&mut bench) {
        tells_the_three_kinds(&mut bench);
    }
}
