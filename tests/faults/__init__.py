"""What a public streaming server meets: floods, slow and hostile clients, outages, deploys."""
