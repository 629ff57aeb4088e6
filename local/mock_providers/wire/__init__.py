"""The providers' wire formats: each module parses one request format and writes its answer, whole
or as a stream.
"""
