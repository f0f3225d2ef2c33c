"""Mails the records."""

import os
import smtplib
import sys
from email.message import EmailMessage

message = EmailMessage()
message["From"], message["To"], message["Subject"] = "a@example.com", "b@example.com", "epoch 10"
message.set_content(open(sys.argv[1]).read())
with smtplib.SMTP(os.environ.get("CLOUD", "192.0.2.10"), timeout=3) as server:
    server.send_message(message)
