//! One open bucket: the connection to its server, in the right region, with credentials that the server accepts.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use alo_plan::Permission;
use camino::Utf8PathBuf;
use object_store::aws::{
    AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider, resolve_bucket_region,
};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use tokio::runtime::Runtime;

use super::credentials::{self, Credentials, CredentialsError};
use super::environment::S3Environment;
use super::error::{S3Error, S3Fault};

/// How often the wish to stop is asked for and progress told.
const TICK: Duration = Duration::from_millis(50);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Where no region is said and the bucket's cannot be found out; S3-compatible servers take it, too.
const DEFAULT_REGION: &str = "us-east-1";
/// A server waits with its answer until a part has arrived, so an upload may take longer than a stall.
const UPLOAD_PATIENCE: u32 = 10;

/// What a bucket is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Purpose {
    Read,
    Write,
}

/// Variables of the platform's own ways to give credentials.
const PLATFORM: [(&str, AmazonS3ConfigKey); 8] = [
    ("AWS_WEB_IDENTITY_TOKEN_FILE", AmazonS3ConfigKey::WebIdentityTokenFile),
    ("AWS_ROLE_ARN", AmazonS3ConfigKey::RoleArn),
    ("AWS_ROLE_SESSION_NAME", AmazonS3ConfigKey::RoleSessionName),
    ("AWS_ENDPOINT_URL_STS", AmazonS3ConfigKey::StsEndpoint),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AmazonS3ConfigKey::ContainerCredentialsRelativeUri),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", AmazonS3ConfigKey::ContainerCredentialsFullUri),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AmazonS3ConfigKey::ContainerAuthorizationTokenFile),
    ("AWS_EC2_METADATA_SERVICE_ENDPOINT", AmazonS3ConfigKey::MetadataEndpoint),
];

/// An open bucket.
pub(crate) struct Bucket {
    name: String,
    runtime: Runtime,
    pub(crate) store: AmazonS3,
    /// The server, for messages.
    endpoint: String,
    /// Where the credentials come from, for messages.
    from: String,
    /// Cleared when an `ETag` that looks like an MD5 digest was none, as with keys of KMS.
    etags_are_digests: AtomicBool,
}

impl Bucket {
    /// Opens a bucket and asks its server once, so that what is wrong is known before anything is done.
    pub(crate) fn open(
        name: &str,
        purpose: Purpose,
        permission: &Permission,
        environment: &S3Environment,
        bases: &[Utf8PathBuf],
    ) -> Result<Self, S3Error> {
        if !is_name(name) {
            return Err(S3Error::BucketName { bucket: name.to_owned() });
        }
        // Another crate may have chosen a provider before: any will do.
        rustls::crypto::ring::default_provider().install_default().ok();
        let found = credentials::find(permission, environment, bases)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(S3Error::Start)?;
        let setting = Setting::new(name, purpose, environment, &found)?;
        let provider = match found.keys {
            Some(_) => None,
            None => Some(from_platform(name, environment, &runtime)?),
        };
        let region = match &setting.region {
            Some(region) => region.clone(),
            None if setting.endpoint.is_some() => DEFAULT_REGION.to_owned(),
            None => find_region(name, &setting, &runtime)?.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        };
        let connect = |region: &str| setting.connect(name, region, &found, provider.clone());
        let endpoint = |region: &str| match &setting.endpoint {
            Some(endpoint) => shown(endpoint),
            None => format!("https://s3.{region}.amazonaws.com"),
        };
        let mut bucket = Self {
            name: name.to_owned(),
            store: connect(&region)?,
            runtime,
            endpoint: endpoint(&region),
            from: found.from.clone(),
            etags_are_digests: AtomicBool::new(true),
        };
        let Err(told) = bucket.greet() else { return Ok(bucket) };
        let Some(S3Fault::WrongRegion { region: said }) = told.fault() else { return Err(told) };
        let other = match said {
            Some(region) => Some(region.clone()),
            None if setting.endpoint.is_none() => find_region(name, &setting, &bucket.runtime)?,
            None => None,
        };
        let Some(other) = other.filter(|other| *other != region && is_region(other)) else {
            return Err(told);
        };
        bucket.store = connect(&other)?;
        bucket.endpoint = endpoint(&other);
        bucket.greet()?;
        Ok(bucket)
    }

    /// Asks for one key. Who may not list the bucket as a whole may still use a part of it.
    fn greet(&self) -> Result<(), S3Error> {
        let options = PaginatedListOptions { max_keys: Some(1), ..PaginatedListOptions::default() };
        match self.runtime.block_on(self.store.list_paginated(None, options)) {
            // A key that cannot be the name of a file may be the first, and not the one that is wanted.
            Ok(_) | Err(object_store::Error::InvalidPath { .. }) => Ok(()),
            Err(error) => match self.error("", &error) {
                S3Error::Request { fault: S3Fault::Denied, .. } => Ok(()),
                error => Err(error),
            },
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The server, without a password that may be in its URL.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The URL of a key.
    pub(crate) fn url(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.name)
    }

    /// What the library says about a key, in our words.
    pub(crate) fn error(&self, key: &str, error: &object_store::Error) -> S3Error {
        if let object_store::Error::InvalidPath { source } = error {
            let (key, why) = match source {
                object_store::path::Error::EmptySegment { path } => {
                    (path.clone(), "a part of it is empty (`//`)")
                }
                object_store::path::Error::BadSegment { path, .. } => (
                    path.escape_debug().to_string(),
                    "a part of it is `.` or `..`, or has control characters",
                ),
                _ => (key.to_owned(), "it is no path"),
            };
            return S3Error::Key { key, why };
        }
        S3Error::Request {
            url: self.url(key),
            fault: S3Fault::of(error),
            endpoint: self.endpoint.clone(),
            from: self.from.clone(),
        }
    }

    /// Whether an `ETag` in the form of an MD5 digest is to be believed to be one.
    pub(crate) fn etags_are_digests(&self) -> bool {
        self.etags_are_digests.load(Ordering::Relaxed)
    }

    pub(crate) fn etags_are_no_digests(&self) {
        self.etags_are_digests.store(false, Ordering::Relaxed);
    }

    /// Does asynchronous work until it is done or the user wants to stop; `tick` is called now and then.
    pub(crate) fn drive<T>(
        &self,
        cancelled: &dyn Fn() -> bool,
        tick: &mut dyn FnMut(),
        work: impl Future<Output = Result<T, S3Error>>,
    ) -> Result<T, S3Error> {
        self.runtime.block_on(async {
            let mut work = pin!(work);
            loop {
                if cancelled() {
                    return Err(S3Error::Stopped);
                }
                let done = tokio::time::timeout(TICK, work.as_mut()).await;
                tick();
                if let Ok(done) = done {
                    return done;
                }
            }
        })
    }

    /// Does what must be done though the user wants to stop, but not for long: none if it takes longer.
    pub(crate) fn clean_up<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.runtime.block_on(async { tokio::time::timeout(CONNECT_TIMEOUT, work).await.ok() })
    }
}

/// Where and how to connect.
struct Setting {
    /// None: Amazon's own.
    endpoint: Option<String>,
    region: Option<String>,
    options: ClientOptions,
}

impl Setting {
    fn new(
        name: &str,
        purpose: Purpose,
        environment: &S3Environment,
        found: &Credentials,
    ) -> Result<Self, S3Error> {
        let google = found.keys.as_ref().is_some_and(|keys| keys.access.starts_with("GOOG"));
        let endpoint = environment
            .first(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"])
            .map(str::to_owned)
            .or_else(|| found.endpoint.clone())
            .or_else(|| google.then(|| "https://storage.googleapis.com".to_owned()));
        if let Some(endpoint) = &endpoint {
            let url = reqwest::Url::parse(&format!("{}/{name}", endpoint.trim_end_matches('/')));
            if !url.is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none()) {
                return Err(S3Error::Setting { variable: "AWS_ENDPOINT_URL", what: "URL" });
            }
        }
        let region = environment.first(&["AWS_REGION", "AWS_DEFAULT_REGION"]).map(str::to_owned);
        let region = region.or_else(|| found.region.clone());
        if region.as_deref().is_some_and(|region| !is_region(region)) {
            return Err(S3Error::Setting { variable: "AWS_REGION", what: "region" });
        }
        let patience = match purpose {
            Purpose::Read => environment.stall_timeout,
            Purpose::Write => environment.stall_timeout * UPLOAD_PATIENCE,
        };
        let options = ClientOptions::new()
            .with_allow_http(endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http:")))
            // Large objects take as long as they take; a stall is what is noticed.
            .with_timeout_disabled()
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_read_timeout(patience)
            .with_content_type_for_suffix("gz", "application/gzip")
            .with_content_type_for_suffix("zip", "application/zip")
            .with_content_type_for_suffix("log", "text/plain; charset=utf-8");
        Ok(Self { endpoint, region, options })
    }

    fn connect(
        &self,
        name: &str,
        region: &str,
        found: &Credentials,
        provider: Option<AwsCredentialProvider>,
    ) -> Result<AmazonS3, S3Error> {
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(name)
            .with_region(region)
            .with_client_options(self.options.clone())
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(100),
                    max_backoff: Duration::from_secs(10),
                    base: 2.0,
                },
                max_retries: 8,
                retry_timeout: Duration::from_secs(120),
            });
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
        }
        if let Some(keys) = &found.keys {
            builder = builder.with_access_key_id(&keys.access).with_secret_access_key(&keys.secret);
            if let Some(token) = &keys.token {
                builder = builder.with_token(token);
            }
        }
        if let Some(provider) = provider {
            builder = builder.with_credentials(provider);
        }
        builder.build().map_err(|error| S3Error::Request {
            url: format!("s3://{name}/"),
            fault: S3Fault::of(&error),
            endpoint: self.endpoint.as_deref().map_or_else(|| "Amazon S3".to_owned(), shown),
            from: found.from.clone(),
        })
    }
}

/// Asks the platform for credentials, without waiting long where there is none to ask.
fn from_platform(
    name: &str,
    environment: &S3Environment,
    runtime: &Runtime,
) -> Result<AwsCredentialProvider, S3Error> {
    let none = || S3Error::from(CredentialsError::None { bucket: name.to_owned() });
    let container = environment
        .first(&[
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        ])
        .is_some();
    let disabled = environment.variable("AWS_EC2_METADATA_DISABLED");
    if !container && disabled.is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(none());
    }
    let mut builder = AmazonS3Builder::new().with_bucket_name(name).with_region(DEFAULT_REGION);
    for (variable, key) in PLATFORM {
        let is_url = variable.contains("ENDPOINT") || variable.ends_with("FULL_URI");
        let fits = |value: &&str| !is_url || reqwest::Url::parse(value).is_ok();
        if let Some(value) = environment.variable(variable).filter(fits) {
            builder = builder.with_config(key, value);
        }
    }
    let options = ClientOptions::new()
        .with_timeout(Duration::from_secs(if container { 10 } else { 2 }))
        .with_connect_timeout(Duration::from_secs(1));
    let retry =
        RetryConfig { max_retries: 1, retry_timeout: Duration::from_secs(2), ..RetryConfig::default() };
    let store = builder.with_client_options(options).with_retry(retry).build().map_err(|_| none())?;
    let provider = store.credentials().clone();
    runtime.block_on(provider.get_credential()).map_err(|_| none())?;
    Ok(provider)
}

/// Asks Amazon where a bucket lies; none when it does not say.
fn find_region(name: &str, setting: &Setting, runtime: &Runtime) -> Result<Option<String>, S3Error> {
    match runtime.block_on(resolve_bucket_region(name, &setting.options)) {
        Ok(region) => Ok(Some(region).filter(|region| is_region(region))),
        Err(error) if error.to_string().contains("not found") => Err(S3Error::Request {
            url: format!("s3://{name}/"),
            fault: S3Fault::NoBucket,
            endpoint: "https://s3.amazonaws.com".to_owned(),
            from: String::new(),
        }),
        Err(_) => Ok(None),
    }
}

/// Letters, digits, `.`, `-`, `_`: what buckets of all ages and providers are called.
fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len()) && name.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
}

fn is_region(region: &str) -> bool {
    (1..=64).contains(&region.len()) && region.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// An endpoint without a password that may be in it.
fn shown(endpoint: &str) -> String {
    match reqwest::Url::parse(endpoint) {
        Ok(url) => url.origin().ascii_serialization(),
        Err(_) => "the endpoint".to_owned(),
    }
}
