"""For the tests of an app: a sandbox store, sessions without AWS, and the events that Storelink sends.

`plugin` has pytest's fixtures, `events` builds events, `connection` connects sandbox stores in other test frameworks.
`sandbox` needs the extra `testing`.
"""
