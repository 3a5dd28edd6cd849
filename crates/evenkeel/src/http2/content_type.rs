//! Which content types are gRPC's.

/// The type of every gRPC message, which a content-subtype may follow (gRPC over HTTP/2).
const GRPC: &[u8] = b"application/grpc";

/// The content-subtype of a gRPC content type, empty when it names none; `None` for any other type.
///
/// `application/grpc`, `application/grpc+proto` and `application/grpc;charset=utf-8` are gRPC's;
/// `application/grpc-web` is another protocol.
pub(crate) fn grpc_subtype(content_type: &[u8]) -> Option<&[u8]> {
    let (base, rest) = content_type.split_at_checked(GRPC.len())?;
    if !base.eq_ignore_ascii_case(GRPC) {
        return None;
    }
    match rest.split_first() {
        None | Some((b';', _)) => Some(&[]),
        Some((b'+', subtype)) => {
            Some(subtype.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii())
        }
        Some((b' ' | b'\t', rest)) if rest.trim_ascii_start().starts_with(b";") => Some(&[]),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::grpc_subtype;

    #[test]
    fn only_grpcs_own_types_are_grpc() {
        for (text, subtype) in [
            ("application/grpc", ""),
            ("Application/gRPC", ""),
            ("application/grpc;charset=utf-8", ""),
            ("application/grpc ; charset=utf-8", ""),
            ("application/grpc+proto", "proto"),
            ("application/grpc+proto;x=y", "proto"),
            ("application/grpc+json", "json"),
            ("application/grpc+", ""),
        ] {
            assert_eq!(grpc_subtype(text.as_bytes()), Some(subtype.as_bytes()), "{text}");
        }
        for text in [
            "",
            "application/grp",
            "application/grpc-web",
            "application/grpc-web+proto",
            "application/grpcx",
            "application/json",
            "text/html",
            "application/grpc x",
        ] {
            assert_eq!(grpc_subtype(text.as_bytes()), None, "{text}");
        }
    }
}
