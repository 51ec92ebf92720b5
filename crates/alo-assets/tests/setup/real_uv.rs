//! A real uv for tests: the one on the path, else alo's own, which alo itself fetches once below `target/`.

use alo_assets::InstallerChoice;
use alo_plan::PipelineKind;
use camino::{Utf8Path, Utf8PathBuf};

use crate::bench::{Bench, local, train};
use crate::wheel::wheel;

/// Sees to it that `bench` installs by uv; without one to be had it says so and answers false: that half of a test is skipped.
pub(crate) fn use_uv(bench: &mut Bench) -> bool {
    let Some(program) = on_path().or_else(fetched) else {
        eprintln!("skipped by uv: there is none on PATH, and none can be fetched");
        return false;
    };
    bench.machine.uv = Some(program);
    bench.machine.installer = InstallerChoice::Uv;
    bench.machine.variables.insert("UV_CACHE_DIR".into(), bench.root.join("uv-cache").into_string().into());
    true
}

fn on_path() -> Option<Utf8PathBuf> {
    let path = std::env::var("PATH").ok()?;
    path.split(':').map(|folder| Utf8Path::new(folder).join("uv")).find(|program| program.is_file())
}

/// alo's own, in the tools that all tests share.
fn fetched() -> Option<Utf8PathBuf> {
    let mut bench = Bench::new();
    let tools = bench.machine.cache.join("tools").canonicalize_utf8().ok()?;
    let known = || {
        let entries = tools.read_dir_utf8().ok()?.flatten();
        entries.map(|entry| entry.path().join("uv")).find(|program| program.is_file())
    };
    if let Some(program) = known() {
        return Some(program);
    }
    for name in ["PIP_INDEX_URL", "SSL_CERT_FILE", "PIP_CERT", "HTTPS_PROXY", "https_proxy"] {
        if let Some(value) = std::env::var_os(name) {
            bench.machine.variables.insert(name.into(), value);
        }
    }
    bench.machine.variables.remove(std::ffi::OsStr::new("PIP_NO_INDEX"));
    bench.machine.installer = InstallerChoice::Uv;
    bench.asset("train", &[("asset_train.py", "")]);
    let wheel = wheel(&bench.wheels(), "a", "1", &[]);
    let told = bench.set_up(&train([local("train", &[wheel.as_str()])]), PipelineKind::Train);
    if let Err(error) = told.outcome {
        eprintln!("{}", crate::bench::chain(&error));
    }
    known()
}
