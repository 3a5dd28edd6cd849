//! gRPC status codes.

/// A gRPC status code (gRPC status codes document).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The call succeeded.
    Ok = 0,
    /// The call was given up by one side.
    Cancelled = 1,
    /// Nothing better can be said.
    Unknown = 2,
    /// The caller asked for what makes no sense.
    InvalidArgument = 3,
    /// The deadline passed first.
    DeadlineExceeded = 4,
    /// What was asked for does not exist.
    NotFound = 5,
    /// What was to be made exists.
    AlreadyExists = 6,
    /// The caller may not, or the peer's security demands were not met.
    PermissionDenied = 7,
    /// Somebody's limit was reached.
    ResourceExhausted = 8,
    /// The system is not in the state that the call needs.
    FailedPrecondition = 9,
    /// Another call was quicker.
    Aborted = 10,
    /// Past the end of what there is.
    OutOfRange = 11,
    /// The path does not exist.
    Unimplemented = 12,
    /// A protocol was broken.
    Internal = 13,
    /// Trying again elsewhere or later may work.
    Unavailable = 14,
    /// Data are lost for good.
    DataLoss = 15,
    /// Credentials are missing.
    Unauthenticated = 16,
}

impl Code {
    const ALL: [Self; 17] = [
        Self::Ok,
        Self::Cancelled,
        Self::Unknown,
        Self::InvalidArgument,
        Self::DeadlineExceeded,
        Self::NotFound,
        Self::AlreadyExists,
        Self::PermissionDenied,
        Self::ResourceExhausted,
        Self::FailedPrecondition,
        Self::Aborted,
        Self::OutOfRange,
        Self::Unimplemented,
        Self::Internal,
        Self::Unavailable,
        Self::DataLoss,
        Self::Unauthenticated,
    ];

    /// The code of this number; UNKNOWN for a number that is none, as gRPC has it.
    pub fn from_number(number: i32) -> Self {
        let code = usize::try_from(number).ok().and_then(|index| Self::ALL.get(index).copied());
        code.unwrap_or(Self::Unknown)
    }

    /// The code that a `grpc-status` header says; UNKNOWN where it says no number.
    pub fn from_header(value: &[u8]) -> Self {
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        number.map_or(Self::Unknown, Self::from_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_headers_are_codes() {
        for (number, code) in (0..).zip(Code::ALL) {
            assert_eq!((Code::from_number(number), code as i32), (code, number));
            assert_eq!(Code::from_header(number.to_string().as_bytes()), code);
        }
        for number in [-1, 17, i32::MAX, i32::MIN] {
            assert_eq!(Code::from_number(number), Code::Unknown);
        }
        for text in ["", "x", "1.0", " 1", "99999999999", "\u{e4}"] {
            assert_eq!(Code::from_header(text.as_bytes()), Code::Unknown, "{text:?}");
        }
    }
}
