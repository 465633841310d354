//! The Redis protocol, as much as asking needs. Source: Redis, "RESP protocol spec" (version 2).

use std::sync::Arc;

use net::tls::ClientTls;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixStream};

use crate::receivers::asking::{Duplex, encrypted};

/// Bytes of one text, and elements of one list.
const BULK_MAX: usize = 16 << 20;
const ELEMENTS_MAX: usize = 65_536;
const DEPTH_MAX: usize = 8;

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Reply {
    Simple(String),
    Error(String),
    Int(i64),
    Bulk(String),
    Array(Vec<Reply>),
    Null,
}

impl Reply {
    /// Fails with what the server said.
    pub(super) fn ok(self) -> Result<Self, String> {
        match self {
            Self::Error(e) => Err(e),
            other => Ok(other),
        }
    }

    pub(super) fn text(self) -> Result<String, String> {
        match self.ok()? {
            Self::Bulk(text) | Self::Simple(text) => Ok(text),
            other => Err(format!("a text is expected, not {other:?}")),
        }
    }
}

/// A connection to a server.
pub(super) struct Connection(BufReader<Box<dyn Duplex>>);

impl Connection {
    pub(super) async fn open(endpoint: &str, unix: bool, tls: Option<&Arc<ClientTls>>) -> Result<Self, String> {
        let cannot = |e: std::io::Error| format!("cannot connect: {e}");
        let stream: Box<dyn Duplex> = match unix {
            true => Box::new(UnixStream::connect(endpoint).await.map_err(cannot)?),
            false => {
                let stream = TcpStream::connect(endpoint).await.map_err(cannot)?;
                let host = endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host);
                encrypted(tls, stream, host).await?
            }
        };
        Ok(Self(BufReader::new(stream)))
    }

    pub(super) async fn call(&mut self, command: &[&str]) -> Result<Reply, String> {
        let mut request = format!("*{}\r\n", command.len()).into_bytes();
        for word in command {
            request.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        self.0.write_all(&request).await.map_err(|e| e.to_string())?;
        self.reply(0).await
    }

    async fn line(&mut self) -> Result<String, String> {
        let mut line = Vec::new();
        let read = (&mut self.0).take(64 << 10).read_until(b'\n', &mut line).await;
        read.map_err(|e| e.to_string())?;
        match line.strip_suffix(b"\r\n") {
            Some(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            None => Err("the connection was closed".to_owned()),
        }
    }

    async fn reply(&mut self, depth: usize) -> Result<Reply, String> {
        let line = self.line().await?;
        let (kind, rest) = line.split_at_checked(1).ok_or("the answer is empty")?;
        let length = |max: usize| match rest.parse::<i64>() {
            Ok(-1) => Ok(None),
            Ok(n) if usize::try_from(n).is_ok_and(|n| n <= max) => Ok(Some(n as usize)),
            _ => Err(format!("`{rest}` is not a length that is taken")),
        };
        match kind {
            "+" => Ok(Reply::Simple(rest.to_owned())),
            "-" => Ok(Reply::Error(rest.to_owned())),
            ":" => rest.parse().map(Reply::Int).map_err(|_| format!("`{rest}` is not a number")),
            "$" => {
                let Some(n) = length(BULK_MAX)? else { return Ok(Reply::Null) };
                let mut bytes = vec![0; n + 2];
                self.0.read_exact(&mut bytes).await.map_err(|e| e.to_string())?;
                bytes.truncate(n);
                Ok(Reply::Bulk(String::from_utf8_lossy(&bytes).into_owned()))
            }
            "*" if depth < DEPTH_MAX => {
                let Some(n) = length(ELEMENTS_MAX)? else { return Ok(Reply::Null) };
                let mut items = Vec::new();
                for _ in 0..n {
                    items.push(Box::pin(self.reply(depth + 1)).await?);
                }
                Ok(Reply::Array(items))
            }
            _ => Err("this is not a Redis server".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::info::Info;
    use super::*;

    #[test]
    fn any_answer_is_survived() {
        let any = |bytes: &[u8]| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut connection = Connection(BufReader::new(Box::new(std::io::Cursor::new(bytes.to_vec()))));
            if let Ok(Reply::Bulk(text)) = runtime.block_on(connection.reply(0)) {
                let info = Info::new(&text);
                assert!(info.number("nothing").is_none());
            }
        };
        let info = "# Server\r\nredis_version:7.0.15\r\nuptime_in_seconds:7\r\n# Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n";
        let samples = [
            format!("${}\r\n{info}\r\n", info.len()).into_bytes(),
            b"*2\r\n:1\r\n*3\r\n$3\r\nSET\r\n$-1\r\n+OK\r\n".to_vec(),
            b"-ERR no\r\n".to_vec(),
        ];
        wire::mutation::run(any, &samples, 3000);
    }
}
