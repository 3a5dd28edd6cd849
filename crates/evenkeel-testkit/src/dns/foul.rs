//! Answers that belong to no question.

use evenkeel_lab::dns::Response;

/// In what an answer does not belong to its question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foul {
    /// It has another id.
    Id,
    /// It repeats the question of another name.
    Question,
    /// It has another operation code.
    OpCode,
    /// It says that it is a question itself.
    NoAnswer,
}

impl Foul {
    /// Makes of a right answer one that is foul in this.
    pub(super) fn spoil(self, response: &mut Response) {
        match self {
            Self::Id => response.id = response.id.wrapping_add(1),
            // The name's first letter.
            Self::Question => {
                response.question[1] = if response.question[1] == b'x' { b'y' } else { b'x' };
            }
            Self::OpCode => response.opcode = 2,
            Self::NoAnswer => response.is_response = false,
        }
    }
}
