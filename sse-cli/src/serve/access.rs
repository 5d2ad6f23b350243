//! Access control: checks a request's host name and origin, then its token and the token's rights.

mod arguments;
mod caller;
mod cors;
#[cfg(test)]
mod issuer;
mod jwt;
mod keys;
mod patterns;
mod site;
#[cfg(test)]
mod tests;
mod tokens;

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

pub(super) use arguments::AccessArguments;
pub(super) use caller::Caller;
pub(super) use cors::guard;

use super::refusal::Refusal;
use super::secret::Secret;
use jwt::Requirements;
use keys::{Key, KeySource};
use patterns::Patterns;
use site::Site;
use tokens::Source;

/// Access rules for all clients; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Access {
    rules: Arc<Rules>,
    valid: Arc<RwLock<Arc<Valid>>>,
}

/// Access rules, created once from the arguments.
#[derive(Debug)]
struct Rules {
    site: Site,
    publish_token: Option<Source>,
    subscribe_token: Option<Source>,
    keys: Option<KeySource>,
    requirements: Requirements,
    cookie: String,
    anyone_may_publish: bool,
    anyone_may_subscribe: bool,
}

/// The tokens and keys that are currently valid.
#[derive(Debug)]
struct Valid {
    publish: Option<Secret>,
    subscribe: Option<Secret>,
    keys: Option<Vec<Key>>,
}

/// Action that may need a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Publish,
    Subscribe,
}

/// Topics to which a request has a right.
#[derive(Debug)]
pub(super) struct Grant {
    act: Act,
    /// The topics; `None` for every topic.
    topics: Option<Patterns>,
    /// When the right was checked, and for how long it was valid then; `None` for a right that does
    /// not expire.
    lifetime: Option<(Instant, Duration)>,
}

impl Access {
    /// Creates the access rules from the arguments.
    ///
    /// # Errors
    ///
    /// If a file of a token or of keys cannot be read, a token is empty, or a key is not usable.
    pub(super) fn new(arguments: &AccessArguments, secure: bool) -> Result<Self, String> {
        // The provider is named here, because two providers in one program leave no default.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let [publish_token, subscribe_token] = arguments.tokens();
        let rules = Rules {
            site: Site::new(arguments, secure),
            publish_token,
            subscribe_token,
            keys: KeySource::new(arguments),
            requirements: Requirements::new(arguments),
            cookie: arguments.token_cookie.clone(),
            anyone_may_publish: arguments.anyone_may_publish,
            anyone_may_subscribe: arguments.anyone_may_subscribe,
        };
        let valid = RwLock::new(Arc::new(rules.read()?)).into();
        Ok(Self { rules: Arc::new(rules), valid })
    }

    /// Reads the files of tokens and keys again. If one cannot be read, all tokens and keys stay
    /// unchanged. Open streams continue until their tokens expire.
    pub(super) fn reload(&self) -> Result<(), String> {
        let valid = Arc::new(self.rules.read()?);
        *self.valid.write().unwrap_or_else(PoisonError::into_inner) = valid;
        Ok(())
    }

    fn valid(&self) -> Arc<Valid> {
        Arc::clone(&self.valid.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn cookie(&self) -> &str {
        &self.rules.cookie
    }

    /// The topics that a request may publish to.
    pub(super) fn publishing(&self, caller: &Caller) -> Result<Grant, Refusal> {
        self.grant(&self.valid(), Act::Publish, caller)
    }

    /// The topics that a request may follow.
    pub(super) fn following(&self, caller: &Caller) -> Result<Grant, Refusal> {
        self.grant(&self.valid(), Act::Subscribe, caller)
    }

    /// The topics whose names a request may learn. A name may be the only secret that protects a
    /// topic, so listing names requires a token, or a request from this machine.
    pub(super) fn listing(&self, caller: &Caller) -> Result<Grant, Refusal> {
        let valid = self.valid();
        let needed = |act| self.is_needed(&valid, act);
        match (needed(Act::Subscribe), needed(Act::Publish)) {
            (true, _) => self.grant(&valid, Act::Subscribe, caller),
            (false, _) if caller.local => Ok(Grant::everything(Act::Subscribe)),
            (false, true) => self.grant(&valid, Act::Publish, caller),
            (false, false) => Err(Refusal::listing()),
        }
    }

    fn is_needed(&self, valid: &Valid, act: Act) -> bool {
        let anyone = match act {
            Act::Publish => self.rules.anyone_may_publish,
            Act::Subscribe => self.rules.anyone_may_subscribe,
        };
        valid.token(act).is_some() || (valid.keys.is_some() && !anyone)
    }

    fn grant(&self, valid: &Valid, act: Act, caller: &Caller) -> Result<Grant, Refusal> {
        if !self.is_needed(valid, act) {
            return Ok(Grant::everything(act));
        }
        let Some(given) = &caller.token else { return Err(Refusal::no_token(caller.cookie_left_out)) };
        if valid.token(act).is_some_and(|expected| tokens::same(expected, given)) {
            return Ok(Grant::everything(act));
        }
        let Some(keys) = &valid.keys else {
            return Err(Refusal::invalid_token("the bearer token does not give this right"));
        };
        let claims = self.rules.requirements.verify(keys, given).map_err(Refusal::invalid_token)?;
        let topics = match act {
            Act::Publish => claims.publish,
            Act::Subscribe => claims.subscribe,
        };
        Ok(Grant { act, topics: Some(topics), lifetime: Some((Instant::now(), claims.remaining)) })
    }
}

impl Rules {
    fn read(&self) -> Result<Valid, String> {
        let read = |source: &Option<Source>| source.as_ref().map(Source::read).transpose();
        Ok(Valid {
            publish: read(&self.publish_token)?,
            subscribe: read(&self.subscribe_token)?,
            keys: self.keys.as_ref().map(KeySource::read).transpose()?,
        })
    }
}

impl Valid {
    fn token(&self, act: Act) -> Option<&Secret> {
        match act {
            Act::Publish => self.publish.as_ref(),
            Act::Subscribe => self.subscribe.as_ref(),
        }
    }
}

impl Grant {
    fn everything(act: Act) -> Self {
        Self { act, topics: None, lifetime: None }
    }

    /// For how long the right is still valid; `None` for a right that does not expire.
    pub(super) fn remaining(&self) -> Option<Duration> {
        self.lifetime.map(|(since, lifetime)| lifetime.saturating_sub(since.elapsed()))
    }

    /// Whether the grant names the topic.
    pub(super) fn contains(&self, topic: &str) -> bool {
        self.topics.as_ref().is_none_or(|topics| topics.contains(topic))
    }

    /// Whether the grant names every topic.
    pub(super) fn is_everything(&self) -> bool {
        self.topics.as_ref().is_none_or(Patterns::is_everything)
    }

    /// Returns an error unless the grant names all of these topics.
    pub(super) fn require<'a>(&self, topics: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
        match topics.into_iter().all(|topic| self.contains(topic)) {
            true => Ok(()),
            false => Err(self.refusal("this topic")),
        }
    }

    /// Returns an error unless the grant names every possible topic.
    pub(super) fn require_everything(&self) -> Result<(), Refusal> {
        if self.is_everything() { Ok(()) } else { Err(self.refusal("every topic, by *")) }
    }

    fn refusal(&self, what: &str) -> Refusal {
        let claim = match self.act {
            Act::Publish => "sse.publish",
            Act::Subscribe => "sse.subscribe",
        };
        Refusal::scope(claim, what)
    }

    /// The name after which to look for more topics of the grant; `None` if there are none.
    pub(super) fn resume<'a>(&self, after: &'a str) -> Option<Cow<'a, str>> {
        match &self.topics {
            None => Some(after.into()),
            Some(topics) => topics.resume(after),
        }
    }
}
