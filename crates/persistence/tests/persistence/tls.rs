//! Encrypted connections, against a server that takes no others over the network.

use crate::opening::refused;
use domain::Explain;
use testkit::postgres_server::TlsServer;

#[cfg(not(feature = "postgres-tls"))]
mod a_build_without_tls {
    use super::{Explain, TlsServer, refused};

    #[test]
    fn says_which_build_can_encrypt_when_the_address_demands_it() {
        let modes = ["sslmode=require", "sslmode=verify-full", "sslmode=verify-ca", "sslnegotiation=direct"];
        for mode in modes {
            let error = refused(&format!("postgres://app@127.0.0.1:1/ghl?{mode}").parse().unwrap());
            assert!(error.explain().remedy.contains("postgres-tls"), "{mode}: {error:?}");
        }
    }

    #[test]
    fn says_which_build_can_encrypt_when_the_server_demands_it() {
        let Some(server) = TlsServer::start() else { return };
        for mode in ["", "sslmode=disable"] {
            let explained = refused(&server.url(mode).parse().unwrap()).explain();
            assert!(explained.message.contains("no encryption"), "{explained:?}");
            assert!(explained.remedy.contains("postgres-tls"), "{explained:?}");
        }
    }
}

#[cfg(feature = "postgres-tls")]
mod a_build_with_tls {
    use super::{Explain, TlsServer, refused};
    use diesel::prelude::*;
    use diesel::sql_types::BigInt;
    use domain::SystemClock;
    use persistence::Store;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::sync::Arc;

    #[derive(QueryableByName)]
    struct Encrypted {
        #[diesel(sql_type = BigInt)]
        connections: i64,
    }

    /// How many connections to the server are encrypted, told by the server.
    fn encrypted(server: &TlsServer) -> i64 {
        let mut connection = PgConnection::establish(server.local_url()).unwrap();
        let found: Encrypted = diesel::sql_query("SELECT COUNT(*) AS connections FROM pg_stat_ssl WHERE ssl")
            .get_result(&mut connection)
            .unwrap();
        found.connections
    }

    #[test]
    fn reaches_a_server_that_demands_it() {
        let Some(server) = TlsServer::start() else { return };
        assert_eq!(encrypted(&server), 0);
        let checked = format!("sslmode=verify-full&sslrootcert={}", server.authority().display());
        // Without a word about encryption the server's wish is met.
        for mode in ["sslmode=require", &checked, "connect_timeout=10"] {
            let store = Store::open(&server.url(mode).parse().unwrap(), Arc::new(SystemClock)).unwrap();
            assert_eq!(store.instance_tag().unwrap().len(), 32);
            assert!(encrypted(&server) >= 1, "{mode}");
        }
        let explained = refused(&server.url("sslmode=disable").parse().unwrap()).explain();
        assert!(explained.remedy.contains("sslmode=require"), "{explained:?}");
    }

    #[test]
    fn refuses_a_server_whose_certificate_nobody_vouches_for() {
        let Some(server) = TlsServer::start() else { return };
        for mode in ["sslmode=verify-full", "sslmode=verify-full&sslrootcert=system"] {
            let explained = refused(&server.url(mode).parse().unwrap()).explain();
            assert!(explained.remedy.contains("sslrootcert"), "{explained:?}");
        }
    }

    #[test]
    fn says_when_the_server_offers_no_encryption() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.read_exact(&mut [0; 8]).unwrap();
            stream.write_all(b"N").unwrap();
        });
        let url = format!("postgres://app@127.0.0.1:{port}/ghl?sslmode=require");
        let explained = refused(&url.parse().unwrap()).explain();
        assert!(explained.remedy.contains("sslmode=prefer"), "{explained:?}");
    }
}

#[test]
fn a_misspelt_mode_is_told_without_its_words() {
    let explained = refused(&"postgres://app@h/d?sslmode=hunter2".parse().unwrap()).explain();
    assert!(
        explained.message.contains("verify-full") && explained.remedy.contains("sslmode"),
        "{explained:?}"
    );
    assert!(!format!("{explained:?}").contains("hunter2"));
}
