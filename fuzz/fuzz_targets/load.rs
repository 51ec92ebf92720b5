//! Any text, loaded as a plan: no panic, every place inside the text, and what is valid survives being written.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let loaded = alo_plan::load_str(text, "plan.yaml".into());
    for fault in &loaded.diagnostics {
        assert!(!fault.message.is_empty());
        if let Some(span) = fault.span {
            assert!(span.start.offset <= span.end.offset, "{fault:?}");
            assert!(text.get(span.range()).is_some(), "{fault:?}");
        }
    }
    let rendered = alo_plan::render::render(&loaded, false);
    assert_eq!(rendered.is_empty(), loaded.diagnostics.is_empty());
    if let Some(plan) = &loaded.plan {
        let written = plan.to_yaml();
        let again = alo_plan::load_str(&written, "plan.yaml".into());
        // NaN is not equal to itself, so the plans are compared as they are shown.
        assert_eq!(format!("{:?}", again.plan.as_ref()), format!("{:?}", Some(plan)), "{written}");
    }
    let _ = alo_plan::yaml::parse_value(text);
});
