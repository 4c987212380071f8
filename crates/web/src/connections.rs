//! How many connections each address, or of IPv6 each network, holds. Whoever holds too many gets no further one, so that a
//! slow or hostile client can not take all the places there are.

use crate::network::network;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use socket2::SockRef;
use std::any::Any;
use std::collections::HashMap;
use std::net::{IpAddr, Shutdown};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The open connections by network.
#[derive(Debug)]
pub(crate) struct Connections {
    most: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place; free again when this is dropped with the connection.
struct Place {
    from: IpAddr,
    connections: Arc<Connections>,
}

impl Connections {
    /// At most so many of each address.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// Gives a new connection its place, which lives in its `data` as long as it does, or closes it.
    pub(crate) fn take_place(self: &Arc<Self>, stream: &dyn Any, data: &mut Extensions) {
        let Some(stream) = stream.downcast_ref::<TcpStream>() else { return };
        // Whoever is gone already needs no place.
        let Ok(peer) = stream.peer_addr() else { return };
        match self.place(peer.ip()) {
            Some(place) => {
                data.insert(place);
            }
            None => {
                log::debug!("a connection of {} is closed: it holds {} already", peer.ip(), self.most);
                // The server sees its end at once; a socket that can not be shut down is broken already.
                let _ = SockRef::from(stream).shutdown(Shutdown::Both);
            }
        }
    }

    fn place(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let from = network(from);
        let mut open = self.lock();
        let held = open.entry(from).or_default();
        if *held >= self.most {
            return None;
        }
        *held += 1;
        Some(Place { from, connections: Arc::clone(self) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.lock();
        if let Some(held) = open.get_mut(&self.from) {
            *held -= 1;
            if *held == 0 {
                open.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Connections;
    use std::net::IpAddr;
    use std::sync::Arc;

    #[test]
    fn an_address_holds_so_many_places_and_others_are_not_held_up() {
        let connections = Arc::new(Connections::new(2));
        let [one, other] = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse::<IpAddr>().unwrap());
        let first = connections.place(one);
        let second = connections.place(one);
        assert!(first.is_some() && second.is_some());
        assert!(connections.place(one).is_none(), "it holds two");
        assert!(connections.place(other).is_some());
        drop(first);
        assert!(connections.place(one).is_some());
        drop(second);
        assert!(connections.lock().is_empty(), "nothing is remembered of those who left");
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_hold_as_many_places_as_one() {
        let connections = Arc::new(Connections::new(2));
        let place = |text: &str| connections.place(text.parse().unwrap());
        let held = (place("2001:db8::1"), place("2001:db8::2"));
        assert!(held.0.is_some() && held.1.is_some());
        assert!(place("2001:db8::3").is_none(), "the network holds two");
        assert!(place("2001:db8:0:1::1").is_some(), "another network");
        drop(held);
        assert!(place("2001:db8::4").is_some());
    }
}
