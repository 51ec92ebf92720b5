//! The installer of one set-up: chosen when it is first needed, then used for all of its environments.

use std::cell::{OnceCell, RefCell};

use camino::Utf8Path;

use super::choice::FoundUv;
use super::{InstallError, Installer, Pip, Runner, Uv, choice};
use crate::environment::Spare;
use crate::guard::Guard;
use crate::interpreter::Interpreter;
use crate::unpack::UnpackError;
use crate::{Machine, SetupEvent};

/// What builds environments on a machine.
pub(crate) struct Toolbox<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) interpreter: &'a Interpreter,
    pub(crate) cancelled: &'a dyn Fn() -> bool,
    /// Whether nothing is fetched.
    pub(crate) offline: bool,
    uv: OnceCell<Option<FoundUv>>,
    /// An environment that is made while it is decided what goes into it.
    pub(crate) spare: RefCell<Option<Spare>>,
}

impl<'a> Toolbox<'a> {
    pub(crate) fn new(
        machine: &'a Machine,
        interpreter: &'a Interpreter,
        offline: bool,
        cancelled: &'a dyn Fn() -> bool,
    ) -> Self {
        Self { machine, interpreter, cancelled, offline, uv: OnceCell::new(), spare: RefCell::default() }
    }

    /// The guard that programs are started under.
    pub(crate) fn guard(&self) -> Result<Guard, UnpackError> {
        Guard::install(&self.machine.cache)
    }

    /// Starts programs under the guard.
    pub(crate) fn runner<'b>(
        &'b self,
        guard: &'b Guard,
        observer: &'b mut dyn FnMut(SetupEvent),
    ) -> Runner<'b> {
        Runner::new(self.machine, guard, &self.interpreter.executable, self.cancelled, observer)
    }

    /// uv where it is there or can be fetched, else pip.
    pub(crate) fn installer(
        &self,
        scratch: &Utf8Path,
        runner: &mut Runner<'_>,
    ) -> Result<Box<dyn Installer + '_>, InstallError> {
        if self.uv.get().is_none() {
            let found = choice::find_uv(self.machine, self.offline, self.cancelled, scratch, runner)?;
            // It is empty: nobody else fills it.
            let _ = self.uv.set(found);
        }
        Ok(match self.uv.get().and_then(Option::as_ref) {
            Some(found) => Box::new(Uv::new(found.program.clone(), self.machine)),
            None => Box::new(Pip { cache: &self.machine.cache, interpreter: self.interpreter }),
        })
    }
}
