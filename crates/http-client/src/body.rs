//! What is sent with a request.

use std::io::{self, Read};

/// What is sent with a request.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    /// Nothing.
    None,
    /// JSON text.
    Json(&'a [u8]),
    /// JSON text in parts, read one after another while they are sent: a large part is never copied into a whole. A
    /// request that is sent again reads them again from the first byte.
    JsonParts(&'a [&'a [u8]]),
}

impl Body<'_> {
    /// Its size in bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Json(bytes) => bytes.len(),
            Self::JsonParts(parts) => parts.iter().map(|part| part.len()).sum(),
        }
    }
}

/// Reads the parts in order.
pub(crate) struct PartsReader<'a> {
    current: &'a [u8],
    rest: &'a [&'a [u8]],
}

impl<'a> PartsReader<'a> {
    pub(crate) fn new(parts: &'a [&'a [u8]]) -> Self {
        Self { current: &[], rest: parts }
    }
}

impl Read for PartsReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let Some((next, rest)) = self.rest.split_first() else { return Ok(0) };
            (self.current, self.rest) = (next, rest);
        }
        self.current.read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::{Body, PartsReader};
    use std::io::Read;

    #[test]
    fn parts_are_read_in_order_to_their_end_whatever_their_sizes() {
        let parts: [&[u8]; 6] = [b"", b"{\"a\":", b"", b"[1,2", b"]}", b""];
        let mut text = String::new();
        PartsReader::new(&parts).read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), Body::JsonParts(&parts).len()), (r#"{"a":[1,2]}"#, 11));
        assert_eq!(PartsReader::new(&[]).read(&mut [0; 4]).unwrap(), 0);
        let mut reader = PartsReader::new(&parts);
        let mut one = [0];
        let mut by_byte = Vec::new();
        while reader.read(&mut one).unwrap() == 1 {
            by_byte.push(one[0]);
        }
        assert_eq!(by_byte, text.as_bytes(), "one byte at a time");
    }
}
