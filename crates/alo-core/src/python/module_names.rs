//! Packages whose name on PyPI is not the name they are imported by.

/// The package that brings a module, as far as the names differ.
pub(super) fn package_of(module: &str) -> &str {
    let top = module.split('.').next().unwrap_or(module);
    match top {
        "attr" => "attrs",
        "Bio" => "biopython",
        "bs4" => "beautifulsoup4",
        "cv2" => "opencv-python",
        "dateutil" => "python-dateutil",
        "docx" => "python-docx",
        "dotenv" => "python-dotenv",
        "fitz" => "PyMuPDF",
        "git" => "GitPython",
        "imblearn" => "imbalanced-learn",
        "jwt" => "PyJWT",
        "MySQLdb" => "mysqlclient",
        "OpenSSL" => "pyOpenSSL",
        "PIL" => "pillow",
        "pptx" => "python-pptx",
        "psycopg2" => "psycopg2-binary",
        "serial" => "pyserial",
        "skimage" => "scikit-image",
        "sklearn" => "scikit-learn",
        "skopt" => "scikit-optimize",
        "umap" => "umap-learn",
        "yaml" => "PyYAML",
        "zmq" => "pyzmq",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::package_of;

    #[test]
    fn a_submodule_belongs_to_its_package() {
        assert_eq!(package_of("sklearn.ensemble"), "scikit-learn");
        assert_eq!(package_of("pandas"), "pandas");
    }
}
