//! Asks a program on this machine over plain HTTP/1.0: one request, one connection, no library.
//!
//! Enough for the control endpoints of a simulator and for `/metrics`, and light enough for a crate that compiles in
//! seconds. Answers are read to the end of the connection, which HTTP/1.0 promises to be the end of the answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Error;

/// A program of this machine answers at once or hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

/// Sends one request with a JSON body (or none) and reads the answer.
///
/// # Errors
///
/// [`Error::Http`] when nothing answers at the address, or not in HTTP.
pub fn request(address: SocketAddr, method: &str, path: &str, body: &str) -> Result<Answer, Error> {
    let failed =
        |source| Error::Http { method: method.to_owned(), url: format!("http://{address}{path}"), source };
    let text = exchange(address, method, path, body).map_err(failed)?;
    parse(&text).ok_or_else(|| failed(io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP")))
}

fn exchange(address: SocketAddr, method: &str, path: &str, body: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let head = format!(
        "{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(body.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()?;
    Some(Answer { status, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn serve_once(answer: &'static str) -> (SocketAddr, thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut received = [0; 1024];
            let mut length = 0;
            // The body comes in a write of its own.
            while !received[..length].ends_with(b"{}") {
                length += stream.read(&mut received[length..]).unwrap();
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&received[..length]).into_owned()
        });
        (address, server)
    }

    #[test]
    fn status_and_body_are_read_and_the_body_is_sent_with_its_length() {
        let (address, server) = serve_once("HTTP/1.0 201 Created\r\na: b\r\n\r\n{\"id\":\r\n\r\n1}");
        let answer = request(address, "POST", "/x?y=z", "{}").unwrap();
        assert_eq!(answer, Answer { status: 201, body: "{\"id\":\r\n\r\n1}".into() });
        let received = server.join().unwrap();
        assert!(received.starts_with("POST /x?y=z HTTP/1.0\r\n"), "{received}");
        assert!(received.contains("Content-Length: 2\r\n"), "{received}");
    }

    #[test]
    fn what_is_not_http_is_an_error_that_names_the_request() {
        let (address, server) = serve_once("no such luck");
        let text = request(address, "GET", "/x", "{}").unwrap_err().to_string();
        assert!(text.contains("GET") && text.contains("/x"), "{text}");
        server.join().unwrap();
    }

    #[test]
    fn nothing_that_listens_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(request(address, "GET", "/", "").is_err());
    }
}
