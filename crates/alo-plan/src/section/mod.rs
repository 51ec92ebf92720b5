//! The sections of a plan as they are written: typed, with the place of every value, faults collected.
//!
//! This layer knows every dialect from ALO 1.0 to 2.6 and shares no type with [`crate::model`], which says what a
//! plan means; `lower` goes from here to there. The JSON Schema is generated from the types of this layer.

mod choice;
mod file;
mod keyed;
mod list;
mod old;
mod reader;
mod schema;
mod step;

pub(crate) use file::{Control, External, Permission, PlanFile};
pub(crate) use keyed::Section;
pub(crate) use list::{Arg, Args, Names, Paths};
pub(crate) use reader::{Items, Reader, Shape, Spanned, Text};
pub(crate) use step::{ArgDetail, CodeSource, StepDetail, StepParameters, StepSource};
