"""Where a call's time goes inside the isolate: V8's own profile of it, and which Python function runs, looked up from
outside in the interpreter's memory."""
