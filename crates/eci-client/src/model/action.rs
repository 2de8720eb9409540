//! Ties each request to its action: the name on the wire, what it does to the world, its reply.

use serde::de::DeserializeOwned;

use super::Parameters;
use super::read::Read;

/// What carrying out an action may change. Decides what an unanswered call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing: without an answer, ask again.
    Read,
    /// Changes something: without an answer, it may or may not have been done.
    Write,
}

/// A request of the ECI API, version 2018-08-08. Implemented by the requests of this crate alone.
pub trait Action: Clone + Send + Sync {
    /// The action as the API spells it, e.g. `CreateContainerGroup`.
    const NAME: &'static str;
    /// Whether it changes anything.
    const EFFECT: Effect;
    /// Whether the client adds its region to a request that names none.
    const REGIONAL: bool = true;
    /// What a successful call answers.
    type Reply: DeserializeOwned + Read + Send;

    /// The request flattened to parameters, deterministic. `RegionId` is absent unless the request sets it.
    fn parameters(&self) -> Parameters;
}

/// An action whose reply comes in pages.
pub trait Paged: Action {
    /// One element of the list.
    type Item: Send;

    /// Makes this the request for the page that `token` names.
    fn set_next_token(&mut self, token: String);

    /// Takes a reply apart: its items, and the token of the next page if there is one.
    fn split(reply: Self::Reply) -> (Vec<Self::Item>, Option<String>);
}

macro_rules! action {
    ($request:ident: $name:literal, $effect:ident -> $reply:ty $(; $item:item)*) => {
        impl $request {
            /// The request flattened to parameters, sorted by name. `RegionId` is absent unless set here.
            pub fn parameters(&self) -> $crate::model::Parameters {
                let mut parameters = $crate::model::Parameters::default();
                let mut root = $crate::model::flatten::Name::default();
                $crate::model::flatten::Flatten::flatten(self, &mut root, &mut parameters);
                parameters
            }
        }

        impl $crate::model::Action for $request {
            const NAME: &'static str = $name;
            const EFFECT: $crate::model::Effect = $crate::model::Effect::$effect;
            type Reply = $reply;
            $( $item )*

            fn parameters(&self) -> $crate::model::Parameters {
                self.parameters()
            }
        }
    };
}
pub(crate) use action;

macro_rules! paged {
    ($request:ident: $list:ident -> $item:ty) => {
        impl $crate::model::Paged for $request {
            type Item = $item;

            fn set_next_token(&mut self, token: String) {
                self.next_token = Some(token);
            }

            fn split(reply: Self::Reply) -> (Vec<$item>, Option<String>) {
                (reply.$list, reply.next_token)
            }
        }
    };
}
pub(crate) use paged;
