//! How the runner and the driver talk: messages with their length, four bytes big-endian, before them.

use std::io::ErrorKind;

use prost::Message;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::Failure;

/// The next message, or none at the end of the input.
pub(crate) async fn read<M: Message + Default>(
    input: &mut (impl AsyncRead + Unpin),
) -> Result<Option<M>, Failure> {
    let length = match input.read_u32().await {
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = vec![0; usize::try_from(length)?];
    input.read_exact(&mut bytes).await?;
    Ok(Some(M::decode(bytes.as_slice())?))
}

/// Writes one message, and sees to it that the runner gets it at once.
pub(crate) async fn write(
    output: &mut (impl AsyncWrite + Unpin),
    message: &impl Message,
) -> Result<(), Failure> {
    let bytes = message.encode_to_vec();
    output.write_u32(u32::try_from(bytes.len())?).await?;
    output.write_all(&bytes).await?;
    output.flush().await?;
    Ok(())
}
