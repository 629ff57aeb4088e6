"""What came of a trial of a tenant's receivers, on its way from the telemetry Worker, which sends, to whoever asked at
the edge. Comes in: what each receiver answered. It never knows where a receiver is, nor what it was sent.
"""
