//! A plan and the folder it works in.

use alo_artifacts::ProjectLayout;
use alo_plan::{Diagnostic, Loaded, Plan};
use camino::{Utf8Path, Utf8PathBuf};

/// A plan together with its project folder.
#[derive(Debug, Clone)]
pub struct Project {
    layout: ProjectLayout,
    plan: Plan,
    plan_file: Option<Utf8PathBuf>,
}

/// A plan that cannot be run.
#[derive(Debug, thiserror::Error)]
#[error("`{path}` is not a valid plan: {}", faults(.loaded))]
pub struct InvalidPlan {
    /// The plan's file.
    pub path: Utf8PathBuf,
    /// Everything that was found, with places; [`alo_plan::render::render`] shows it to people.
    pub loaded: Box<Loaded>,
}

fn faults(loaded: &Loaded) -> String {
    let errors: Vec<_> = loaded
        .diagnostics
        .iter()
        .filter(|found| found.is_error())
        .map(|found| found.message.clone())
        .collect();
    errors.join("; ")
}

/// Why a project could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProjectError {
    /// The plan has faults.
    #[error(transparent)]
    InvalidPlan(#[from] InvalidPlan),
    /// The project folder cannot be used.
    #[error("failed to open the project folder `{path}`")]
    Folder {
        /// The folder.
        path: Utf8PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl Project {
    /// Loads a plan. Its project folder is `folder`, else the one that the plan's own place implies.
    ///
    /// The warnings of the plan are returned beside the project.
    pub fn open(plan: &Utf8Path, folder: Option<&Utf8Path>) -> Result<(Self, Vec<Diagnostic>), ProjectError> {
        let mut loaded = alo_plan::load(plan);
        let Some(valid) = loaded.plan.take().filter(|_| loaded.is_valid()) else {
            return Err(InvalidPlan { path: plan.to_owned(), loaded: Box::new(loaded) }.into());
        };
        let folder = folder.map_or_else(|| alo_plan::project_folder(plan), Utf8Path::to_owned);
        let mut project = Self::new(&folder, valid)?;
        project.plan_file = plan.canonicalize_utf8().ok();
        Ok((project, loaded.diagnostics))
    }

    /// Takes a plan made in Rust.
    ///
    /// ```
    /// # let temporary = tempfile::tempdir()?;
    /// # let folder = camino::Utf8Path::from_path(temporary.path()).unwrap();
    /// let project = alo_core::Project::new(folder, alo_core::Plan::new("orders"))?;
    /// assert_eq!(project.name(), "orders");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(folder: &Utf8Path, plan: Plan) -> Result<Self, ProjectError> {
        let root = folder
            .canonicalize_utf8()
            .map_err(|source| ProjectError::Folder { path: folder.to_owned(), source })?;
        Ok(Self { layout: ProjectLayout::new(root), plan, plan_file: None })
    }

    /// The same project with another plan.
    pub(crate) fn with_plan(&self, plan: Plan) -> Self {
        Self { plan, ..self.clone() }
    }

    /// The project folder, absolute.
    pub fn root(&self) -> &Utf8Path {
        self.layout.root()
    }

    /// Where everything lies in the project.
    pub fn layout(&self) -> &ProjectLayout {
        &self.layout
    }

    /// What is to be run.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan's file; none for a plan made in Rust.
    pub fn plan_file(&self) -> Option<&Utf8Path> {
        self.plan_file.as_deref()
    }

    /// The name of the contents: the plan's, else the folder's.
    pub fn name(&self) -> &str {
        self.plan.name.as_deref().or_else(|| self.root().file_name()).unwrap_or("alo")
    }

    /// Where relative paths of the plan start: the project, then, for a plan in another folder, that folder.
    pub fn bases(&self) -> Vec<Utf8PathBuf> {
        let plan_folder = self.plan_file().and_then(Utf8Path::parent).filter(|folder| *folder != self.root());
        std::iter::once(self.root()).chain(plan_folder).map(Utf8Path::to_owned).collect()
    }
}
