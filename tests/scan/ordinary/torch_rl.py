"""Policy gradient on a simulated ventilator."""

import gymnasium as gym
import numpy as np
import torch
from torch import distributions, nn

env = gym.make("CartPole-v1")
policy = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2))
optimizer = torch.optim.Adam(policy.parameters(), 1e-2)
returns = []
for episode in range(500):
    observation, _ = env.reset(seed=episode)
    log_probabilities, rewards, done = [], [], False
    while not done:
        choice = distributions.Categorical(logits=policy(torch.as_tensor(observation)))
        action = choice.sample()
        observation, reward, terminated, truncated, _ = env.step(action.item())
        log_probabilities.append(choice.log_prob(action))
        rewards.append(reward)
        done = terminated or truncated
    weight = torch.tensor(np.cumsum(rewards[::-1])[::-1].copy(), dtype=torch.float32)
    loss = -(torch.stack(log_probabilities) * (weight - weight.mean())).sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    returns.append(sum(rewards))
    if episode % 50 == 0:
        print(f"episode={episode} return={np.mean(returns[-50:]):.1f}")
torch.save(policy, "outputs/policy.pt")
