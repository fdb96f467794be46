"""What robots meet at the sign-up forms: limits by hour, proof of work, attack mode, a budget of mails.

Each layer has a setting, and a counter on the desk's page "Sign-up protection" and in /metrics. Counting is done in the
cache, which all processes share; a cache that is down lets readers in and is complained of in the log.
"""
