//! gRPC messages: five bytes before each, the compression flag and the length.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

/// `message` as DATA carries it, not compressed.
pub fn encode_message(message: &impl Message) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(0);
    out.put_u32(message.encoded_len() as u32);
    out.put_slice(&message.encode_to_vec());
    out.freeze()
}

/// The whole messages in a stream's DATA; panics when what is there is not what `M` looks like.
pub fn decode_messages<M: Message + Default>(mut body: &[u8]) -> Vec<M> {
    let mut messages = Vec::new();
    while body.len() >= 5 {
        assert_eq!(body.get_u8(), 0, "a message that is not compressed");
        let length = body.get_u32() as usize;
        let Some((message, rest)) = body.split_at_checked(length) else { break };
        messages.push(M::decode(message).expect("a message of the expected type"));
        body = rest;
    }
    messages
}
