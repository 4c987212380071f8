//! Why a request ends without what was asked for: one type, shown as a page to people and as
//! `application/problem+json` (RFC 9457) to programs.

mod told;

pub(crate) use told::ProblemDetails;

use actix_web::error::BlockingError;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use domain::foreign_text::presentable;
use domain::{Explain, Explanation, RunId};
use monitoring::MonitoringError;
use persistence::StoreError;
use sync::{EdgeError, ListError, StartError};

/// A request that ends without its answer.
///
/// The answer a person or a program gets is written by [`Problem::tell`], in one place for all of them, when the request
/// has come back to `headers::guard`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// There is no such page or run.
    #[error("there is no such page")]
    NotFound,
    /// There is no such address below `/api`.
    #[error("there is no such route")]
    NoRoute,
    /// There is no run with this id.
    #[error("there is no sync {0}")]
    NoRun(RunId),
    /// There is no list with this id.
    #[error("there is no such list")]
    NoList(String),
    /// The address exists, but not for this method; these are the methods it has.
    #[error("only {0} is possible here")]
    Method(&'static str),
    /// The `Host` header names a host that is not ours. Hostile input: escape it.
    #[error("the host name is not allowed")]
    ForeignHost(String),
    /// A page of somebody else asks for a change.
    #[error("the request comes from a foreign page")]
    ForeignOrigin,
    /// The form does not carry the token it was given.
    #[error("the form's token is missing or no longer valid")]
    Csrf,
    /// The form was sent over plain http although `PUBLIC_URL` is an https address, so its cookie did not come along.
    #[error("the dashboard was opened over plain http")]
    PlainHttp,
    /// The password is missing or wrong.
    #[error("a password is needed")]
    Login,
    /// Too many wrong passwords from this address; it may try again after so many seconds.
    #[error("too many wrong passwords")]
    Throttled(u64),
    /// A body of another kind than the one given here.
    #[error("the content type is not {0}")]
    MediaType(&'static str),
    /// A body larger than so many bytes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// A body that did not arrive in time.
    #[error("the body did not arrive in time")]
    TooSlow,
    /// The request can not be read; the text says where.
    #[error("the request can not be read: {0}")]
    Malformed(String),
    /// The request was understood, but names or leaves out something it must not.
    #[error("the request was refused: {}", .0.message)]
    Refused(Explanation),
    /// Variables without which nothing can be asked of the vendors.
    #[error("settings are missing: {}", .0.join(", "))]
    MissingSettings(Vec<&'static str>),
    /// A sync runs already.
    #[error("a sync is already running")]
    AlreadyRunning(RunId),
    /// The service does something else for a moment.
    #[error("the service is busy")]
    Busy,
    /// The run can not be cancelled any more, or not from here.
    #[error("the sync can not be cancelled: {}", .1.message)]
    NotCancellable(RunId, Explanation),
    /// What was to be deleted is in use.
    #[error("it is in use: {}", .0.message)]
    InUse(Explanation),
    /// A vendor or the mail server said no. What a person reads may name whom a mail went to; the log does not.
    #[error("a service failed: {}", presentable(&.0.message, &[]))]
    Service(Explanation),
    /// The database failed.
    #[error("the database failed")]
    Store(#[from] StoreError),
    /// The service can not do its work.
    #[error("not ready: {}", .0.message)]
    NotReady(Explanation),
    /// The blocking call was lost.
    #[error("the call was not finished")]
    Lost(#[from] BlockingError),
    /// A template could not be rendered.
    #[error("the page could not be rendered")]
    Template(#[from] askama::Error),
    /// The system has no thread or no random numbers left.
    #[error("the system refused what is needed: {0}")]
    System(String),
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::NoRoute | Self::NoRun(_) | Self::NoList(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::ForeignHost(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::ForeignOrigin | Self::Csrf | Self::PlainHttp => StatusCode::FORBIDDEN,
            Self::Login => StatusCode::UNAUTHORIZED,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Refused(_) | Self::MissingSettings(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::AlreadyRunning(_) | Self::Busy | Self::NotCancellable(..) | Self::InUse(_) => {
                StatusCode::CONFLICT
            }
            Self::Service(_) => StatusCode::BAD_GATEWAY,
            Self::Store(_) | Self::NotReady(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Lost(_) | Self::Template(_) | Self::System(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The status alone; [`Problem::tell`] fills the answer once the address is known.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl From<MonitoringError> for Problem {
    fn from(error: MonitoringError) -> Self {
        match error {
            MonitoringError::Store(error) => Self::Store(error),
            MonitoringError::Text(error) => Self::System(error.to_string()),
        }
    }
}

impl From<EdgeError> for Problem {
    fn from(error: EdgeError) -> Self {
        Self::Service(error.explain())
    }
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::AlreadyRunning { run } => Self::AlreadyRunning(run),
            StartError::Busy => Self::Busy,
            StartError::Stopping => Self::NotReady(error.explain()),
            StartError::NotConfigured | StartError::Unknown { .. } | StartError::Ambiguous { .. } => {
                Self::Refused(error.explain())
            }
            StartError::Edge(error) => error.into(),
            StartError::Store(error) => Self::Store(error),
            StartError::Thread(source) => Self::System(source.to_string()),
        }
    }
}

impl From<ListError> for Problem {
    fn from(error: ListError) -> Self {
        match error {
            ListError::Name | ListError::NameTaken { .. } | ListError::Conditions(_) => {
                Self::Refused(error.explain())
            }
            ListError::Unknown(id) => Self::NoList(id),
            ListError::InUse { .. } => Self::InUse(error.explain()),
            ListError::Edge(error) => error.into(),
            ListError::Store(error) => Self::Store(error),
        }
    }
}

impl From<getrandom::Error> for Problem {
    fn from(error: getrandom::Error) -> Self {
        Self::System(error.to_string())
    }
}
