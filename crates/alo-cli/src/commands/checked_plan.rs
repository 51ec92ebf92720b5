//! A plan with all its faults and, if asked for, those of the assets that it runs.

use alo_core::assets::{AssetReport, InspectionError, Machine, inspect};
use alo_core::plan::report::{PlanReport, github, github_annotations};
use alo_core::plan::{self, Code, Diagnostic, Loaded, Severity, render};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value as Json;

/// A plan that was looked at.
pub(super) struct CheckedPlan {
    loaded: Loaded,
    /// `None` when they were not asked for, or the plan does not say which they are.
    assets: Option<Vec<AssetReport>>,
}

impl CheckedPlan {
    /// Loads a plan and looks for what it names. Starts nothing.
    pub(super) fn load(path: &Utf8Path) -> Self {
        let mut loaded = plan::load(path);
        let found = plan::check::paths(&loaded, &plan::project_folder(path));
        loaded.add(found);
        Self { loaded, assets: None }
    }

    /// Looks at the code of the assets, too.
    pub(super) fn look_at_assets(&mut self, machine: &Machine) -> Result<(), InspectionError> {
        let project = plan::project_folder(&self.loaded.path);
        let Some(valid) = &self.loaded.plan else { return Ok(()) };
        let here = std::env::current_dir().ok().and_then(|here| Utf8PathBuf::from_path_buf(here).ok());
        let mut assets = inspect(machine, &project, valid)?;
        for asset in &mut assets {
            // Shown as short as the plan's own path.
            if let (Some(path), Some(here)) = (&mut asset.path, &here)
                && let Ok(below) = path.strip_prefix(here)
            {
                *path = below.to_owned();
            }
        }
        // What is said of the folder as a warning is said of the code as an error now.
        self.loaded.diagnostics.retain(|fault| fault.code != Code::AssetMissing);
        self.assets = Some(assets);
        Ok(())
    }

    fn assets(&self) -> &[AssetReport] {
        self.assets.as_deref().unwrap_or_default()
    }

    fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        let of_assets = self.assets().iter().flat_map(|asset| &asset.diagnostics);
        self.loaded.diagnostics.iter().chain(of_assets)
    }

    /// How many faults there are of that severity.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.diagnostics().filter(|fault| fault.severity == severity).count()
    }

    /// Whether it can be run; with strictness a warning is as bad as an error.
    pub(super) fn is_valid(&self, strict: bool) -> bool {
        self.count(Severity::Error) == 0 && !(strict && self.count(Severity::Warning) > 0)
    }

    /// All faults for people, a blank line between two.
    pub(super) fn human(&self, colour: bool) -> String {
        let mut texts = vec![render::render(&self.loaded, colour)];
        for asset in self.assets() {
            let path = asset.path.as_ref().unwrap_or(&self.loaded.path).as_str();
            let faults = asset.diagnostics.iter();
            texts.extend(faults.map(|fault| render::diagnostic(fault, path, &asset.source, colour)));
        }
        texts.retain(|text| !text.is_empty());
        texts.join("\n")
    }

    /// One entry of `plans`; `assets` is there when they were looked at.
    pub(super) fn json(&self, strict: bool) -> Json {
        let report = PlanReport::new(&self.loaded);
        let mut json = serde_json::to_value(&report).unwrap_or_default();
        if let Some(object) = json.as_object_mut() {
            object.insert("valid".to_owned(), self.is_valid(strict).into());
            if let Some(assets) = &self.assets {
                object.insert("assets".to_owned(), serde_json::to_value(assets).unwrap_or_default());
            }
        }
        json
    }

    /// All faults as annotations of a GitHub workflow, a line each.
    pub(super) fn github(&self) -> String {
        let mut lines = github(&self.loaded);
        for asset in self.assets() {
            let path = asset.path.as_ref().unwrap_or(&self.loaded.path);
            lines.push_str(&github_annotations(path, &asset.diagnostics));
        }
        lines
    }
}
