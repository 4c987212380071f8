//! A mail server on loopback that answers as a test tells it to.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server does instead of its usual answer.
#[derive(Clone, Copy)]
pub enum Act {
    /// Says this.
    Say(&'static str),
    /// Says this, then keeps the connection open without another word.
    SayThenSilence(&'static str),
    /// Closes the connection.
    HangUp,
}

/// One connection as it was seen.
#[derive(Clone, Default, Debug)]
pub struct Seen {
    /// The commands, in order.
    pub commands: Vec<String>,
    /// The message, with dots unstuffed.
    pub message: String,
}

pub struct SmtpServer {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl SmtpServer {
    /// Accepts every mail, after a login with any password.
    pub fn friendly() -> Self {
        Self::acting_on(vec![])
    }

    /// Acts when a command begins with `on`; `CONNECT` is the connection itself, `.` the end of the message.
    pub fn acting(on: &'static str, act: Act) -> Self {
        Self::acting_on(vec![(on, act)])
    }

    /// [`acting`](Self::acting) on several commands.
    pub fn acting_on(acts: Vec<(&'static str, Act)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(vec![]));
        let record = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (acts, record) = (acts.clone(), Arc::clone(&record));
                std::thread::spawn(move || converse(&stream.unwrap(), &acts, &record));
            }
        });
        Self { port, seen }
    }

    /// Every connection so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn converse(stream: &TcpStream, acts: &[(&str, Act)], record: &Mutex<Vec<Seen>>) {
    let index = {
        let mut record = record.lock().unwrap();
        record.push(Seen::default());
        record.len() - 1
    };
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream.try_clone().unwrap();
    let mut command = "CONNECT".to_owned();
    loop {
        let usual = match command.split_whitespace().next().unwrap_or_default() {
            "CONNECT" => "220 mail.example.com ready\r\n",
            "EHLO" => "250-mail.example.com\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => "354 go on\r\n",
            "QUIT" => "221 bye\r\n",
            _ => "250 ok\r\n",
        };
        let said = match acts.iter().find(|(on, _)| command.starts_with(on)) {
            None => usual,
            Some((_, Act::Say(text))) => text,
            Some((_, Act::SayThenSilence(text))) => {
                writer.write_all(text.as_bytes()).unwrap();
                // Ends when the client gives up and closes.
                let _ = reader.read_line(&mut String::new());
                return;
            }
            Some((_, Act::HangUp)) => return,
        };
        if writer.write_all(said.as_bytes()).is_err() || command == "QUIT" {
            return;
        }
        if said.starts_with("354") {
            command = ".".to_owned();
            let mut line = String::new();
            while reader.read_line(&mut line).unwrap_or(0) > 0 && line != ".\r\n" {
                let text = line.strip_prefix('.').unwrap_or(&line);
                record.lock().unwrap()[index].message.push_str(text);
                line.clear();
            }
            continue;
        }
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        command = line.trim_end().to_owned();
        record.lock().unwrap()[index].commands.push(command.clone());
    }
}
