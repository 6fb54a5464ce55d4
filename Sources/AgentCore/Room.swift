package enum AgentCoreRoom {}
