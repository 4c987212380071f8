//! What to do when the database does not let itself be opened.

use domain::Explanation;

pub(super) fn unreachable(database: &str, reason: &str) -> Explanation {
    let message = format!("The database {database} can not be opened: {reason}.");
    let says = |phrase: &str| reason.contains(phrase);
    Explanation::new(
        message,
        if database.starts_with("sqlite:") {
            "Let DATA_DIR (or DATABASE_URL) name a file that is a database of this program and that it may write to."
        } else if let Some(remedy) = encryption_remedy(reason) {
            remedy
        } else if says("password") || says("no pg_hba.conf entry") {
            "Check POSTGRES_USER and POSTGRES_PASSWORD (or DATABASE_URL), and that the server lets this host in."
        } else if says("does not exist") {
            "Check POSTGRES_DB and POSTGRES_USER (or DATABASE_URL), or create them on the server."
        } else {
            "Check POSTGRES_HOST and POSTGRES_PORT (or DATABASE_URL), and that the server runs and can be reached from \
             here."
        },
    )
}

/// What to do when the two sides do not agree on encryption.
fn encryption_remedy(reason: &str) -> Option<&'static str> {
    let says = |phrase: &str| reason.contains(phrase);
    let unencrypted = says("no encryption") || says("SSL off");
    if says("SSL support is not compiled in") || (unencrypted && !cfg!(feature = "postgres-tls")) {
        Some(
            "This build has no part for encrypted connections (TLS): use the Docker image or a build with the feature \
             `postgres-tls`, or let the server accept this host unencrypted and remove sslmode from DATABASE_URL.",
        )
    } else if unencrypted {
        Some(
            "Let the server accept this host (pg_hba.conf). If it takes encrypted connections only, write \
             sslmode=require in DATABASE_URL.",
        )
    } else if says("server does not support SSL") {
        Some(
            "The server offers no encrypted connections: switch them on there (ssl = on), or write sslmode=prefer in \
             DATABASE_URL to go without.",
        )
    } else if says("certificate") {
        Some(
            "Let sslrootcert in DATABASE_URL name the file with the certificate of the authority that signed the \
             server's (sslrootcert=system for a public one), and connect by the name the certificate is for.",
        )
    } else if says("sslmode") {
        Some("Correct sslmode in DATABASE_URL; `require` encrypts, `verify-full` also checks who answers.")
    } else {
        None
    }
}
