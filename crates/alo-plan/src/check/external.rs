//! External paths: well-formed, of different names, and for pipelines that exist.

use std::collections::HashMap;

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::model::PipelineKind;
use crate::section::{External, Paths, Reader, Spanned, Text};
use crate::span::Span;

/// Checks `external_path` against the pipelines that the plan has.
pub(crate) fn external(section: &External, pipelines: &[PipelineKind], reader: &mut Reader<'_>) {
    let loads = [
        (PipelineKind::Train, "load_train_data_path", &section.load_train_data_path),
        (PipelineKind::Inference, "load_inference_data_path", &section.load_inference_data_path),
    ];
    for (kind, key, paths) in loads {
        let Some(Spanned { value: Paths(paths), span, pointer }) = paths else { continue };
        for path in paths {
            location(path, reader);
        }
        different_names(paths, reader);
        if !paths.is_empty() {
            unused(key, kind, *span, pointer, pipelines, reader);
        }
    }
    let saves = [
        (PipelineKind::Train, "save_train_artifacts_path", &section.save_train_artifacts_path),
        (PipelineKind::Inference, "save_inference_artifacts_path", &section.save_inference_artifacts_path),
        (PipelineKind::Inference, "load_model_path", &section.load_model_path),
    ];
    for (kind, key, path) in saves {
        let Some(path) = path else { continue };
        let Text(text) = &path.value;
        location(&Spanned { value: text.clone(), span: path.span, pointer: path.pointer.clone() }, reader);
        unused(key, kind, path.span, &path.pointer, pipelines, reader);
    }
}

fn location(path: &Spanned<String>, reader: &mut Reader<'_>) {
    let text = path.value.trim();
    let fault = if text.is_empty() {
        Diagnostic::new(Code::BadPath, "the path is empty")
            .help("write a path, or leave the value out altogether")
    } else if let Some(rest) = text.strip_prefix("s3:") {
        let bucket = rest.strip_prefix("//").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        if !bucket.is_empty() {
            return;
        }
        Diagnostic::new(Code::BadS3Url, format!("`{text}` names no bucket"))
            .help("write `s3://bucket/folder/`, with two slashes")
    } else if let Some((scheme, _)) = text.split_once("://") {
        Diagnostic::new(
            Code::BadPath,
            format!("`{scheme}://` is no place data can be loaded from or saved to"),
        )
        .help("write a path, or an `s3://` URL")
    } else if text.starts_with('~') {
        Diagnostic::new(Code::BadPath, format!("`~` in `{text}` is not expanded"))
            .help("write the path from `/` on, or a path in the project")
    } else {
        return;
    };
    reader.push(fault.at(path.span).pointing(path.pointer.clone()));
}

/// Every source lands in a folder named like its last part.
fn different_names(paths: &[Spanned<String>], reader: &mut Reader<'_>) {
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for path in paths {
        let name = path.value.trim().trim_end_matches(['/', '.']).rsplit('/').next().unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        if let Some(first) = seen.insert(name, path.span) {
            reader.push(
                Diagnostic::new(
                    Code::SameFolderName,
                    format!("two data paths end in `{name}`, so one would hide the other"),
                )
                .at(path.span)
                .pointing(path.pointer.clone())
                .related(first, "the other path")
                .help("rename one of the two folders, or name a folder that holds both"),
            );
        }
    }
}

fn unused(
    key: &str,
    kind: PipelineKind,
    span: Span,
    pointer: &str,
    pipelines: &[PipelineKind],
    reader: &mut Reader<'_>,
) {
    if pipelines.is_empty() || pipelines.contains(&kind) {
        return;
    }
    let diagnostic = if key == "load_model_path" {
        Diagnostic::new(
            Code::ModelWithoutInference,
            "a model is loaded, but the plan has no `inference_pipeline`",
        )
        .help("add an `inference_pipeline`, or leave `load_model_path` empty")
    } else {
        Diagnostic::new(Code::UnusedPath, format!("`{key}` has no effect: the plan has no `{}`", kind.key()))
            .help(format!("leave it empty, or add a `{}`", kind.key()))
    };
    reader.push(diagnostic.at(span).pointing(pointer));
}
