//! `data` and `config` of native steps: Rust values, handed on by move.

use std::any::Any;

use alo_plan::{Map, Value};

use super::refusal::Refusal;
use super::step_context::StepContext;

impl StepContext<'_> {
    /// A value that an earlier step of this pipeline has handed on.
    ///
    /// Fails when there is none under that key, or when it is of another type.
    pub fn data<T: Any + Send>(&self, key: &str) -> Result<&T, Refusal> {
        let value = self.state.hand_off.native.data.get(key).ok_or_else(|| self.no_data(key))?;
        value.downcast_ref().ok_or_else(|| wrong_type::<T>(key))
    }

    /// Like [`Self::data`], to change it in place.
    pub fn data_mut<T: Any + Send>(&mut self, key: &str) -> Result<&mut T, Refusal> {
        if !self.state.hand_off.native.data.contains_key(key) {
            return Err(self.no_data(key));
        }
        let value = self.state.hand_off.native.data.get_mut(key).and_then(|value| value.downcast_mut());
        value.ok_or_else(|| wrong_type::<T>(key))
    }

    /// Hands a value on to the steps that follow; a key that is there already gets the new value.
    pub fn put_data<T: Any + Send>(&mut self, key: impl Into<String>, value: T) {
        self.state.hand_off.native.data.insert(key.into(), Box::new(value));
    }

    /// The configuration that earlier steps of this pipeline have handed on.
    pub fn config(&self) -> &Map {
        &self.state.hand_off.native.config
    }

    /// Adds to the configuration for the steps that follow.
    pub fn put_config(&mut self, key: impl Into<String>, value: impl Into<Value>) {
        self.state.hand_off.native.config.insert(key.into(), value);
    }

    fn no_data(&self, key: &str) -> Refusal {
        let keys: Vec<_> = self.state.hand_off.native.data.keys().map(String::as_str).collect();
        Refusal::value(format!("no earlier step handed on `{key}`; there is: {}", keys.join(", ")))
    }
}

fn wrong_type<T>(key: &str) -> Refusal {
    Refusal::type_of(format!("the data `{key}` is not of type `{}`", std::any::type_name::<T>()))
}
